// Defines the lists of kernels.hpp in double.
#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "compiled/kernels.hpp"
