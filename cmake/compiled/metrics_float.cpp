// Defines in float what the metrics' headers list.
#include "kernels.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "rival/rival.hpp"

#define RIVAL_DEFINE_FLOAT
#include "rival/core/instantiate.hpp"
//
#include "rival/metrics/evaluation.hpp"
