// Defines the lists of layers.hpp in double.
#include "compiled/kernels.hpp"  // declared here

#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "compiled/layers.hpp"
