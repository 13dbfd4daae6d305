// Defines in float all that the library's headers list, but for the kernels, which kernels_float.cpp defines.
#include "kernels.hpp"

#define RIVAL_DEFINE_FLOAT
#include "rival/core/instantiate.hpp"
//
#include "rival/gan/recipes/recipes.hpp"
#include "rival/rival.hpp"
