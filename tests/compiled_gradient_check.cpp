// Defines what gradient_check.hpp lists. The rest of the library is defined elsewhere.
#include "rival/nn/layer.hpp"

#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "gradient_check.hpp"
