// Defines in double what the kernels' headers list.
#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "kernels.hpp"
