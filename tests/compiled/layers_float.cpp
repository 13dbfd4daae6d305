// Defines the lists of layers.hpp in float.
#include "compiled/kernels.hpp"  // declared here

#define RIVAL_DEFINE_FLOAT
#include "rival/core/instantiate.hpp"
//
#include "compiled/layers.hpp"
