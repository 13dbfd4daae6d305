// Defines the lists of gan.hpp in double.
#include "compiled/kernels.hpp"  // declared here
#include "compiled/layers.hpp"   // declared here

#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "compiled/gan.hpp"
