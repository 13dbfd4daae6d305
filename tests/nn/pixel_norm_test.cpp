#include "rival/nn/pixel_norm.hpp"

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("pixel_norm: gradients and tangents, of images and vectors") {
  test::check_gradients(PixelNorm<double>(), {3, 2, 5, 4});
  test::check_gradients(PixelNorm<double>({.epsilon = 0.5}), {3, 3, 2, 1});
  test::check_gradients(PixelNorm<double>({.epsilon = 0.1}), {4, 7});
}
