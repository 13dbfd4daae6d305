// Defines in float what the kernels' headers list.
#define RIVAL_DEFINE_FLOAT
#include "rival/core/instantiate.hpp"
//
#include "kernels.hpp"
