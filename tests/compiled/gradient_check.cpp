// Defines what gradient_check.hpp lists.
#include "compiled/layers.hpp"  // declared here

#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "gradient_check.hpp"
