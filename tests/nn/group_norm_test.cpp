#include "rival/nn/group_norm.hpp"
#include "rival/nn/instance_norm.hpp"
#include "rival/nn/layer_norm.hpp"

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("group_norm: gradients and tangents, of images and vectors, with and without weights") {
  for (const bool affine : {true, false}) {
    test::check_gradients(GroupNorm<double>({.groups = 2, .features = 6, .affine = affine}), {3, 2, 3, 6});
    test::check_gradients(GroupNorm<double>({.groups = 3, .features = 9, .epsilon = 0.3, .affine = affine}), {4, 9});
    test::check_gradients(GroupNorm<double>({.groups = 1, .features = 1, .affine = affine}), {3, 3, 2, 1});
    test::check_gradients(InstanceNorm<double>({.features = 3, .affine = affine}), {3, 3, 5, 3});
    test::check_gradients(LayerNorm<double>({.features = 3, .affine = affine}), {3, 5, 2, 3});
    test::check_gradients(LayerNorm<double>({.features = 7, .affine = affine}), {5, 7});
  }
}
