// Defines the lists of kernels.hpp in float.
#define RIVAL_DEFINE_FLOAT
#include "rival/core/instantiate.hpp"
//
#include "compiled/kernels.hpp"
