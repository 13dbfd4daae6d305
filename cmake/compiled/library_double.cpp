// Defines in double all that the library's headers list, but for the kernels, which kernels_double.cpp defines.
#include "kernels.hpp"

#define RIVAL_DEFINE_DOUBLE
#include "rival/core/instantiate.hpp"
//
#include "rival/gan/recipes/recipes.hpp"
#include "rival/rival.hpp"
