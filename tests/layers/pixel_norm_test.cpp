#include "rival/layers/pixel_norm.hpp"

#include <cmath>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("pixel_norm: gradients and tangents, of images and vectors") {
  test::check_gradients(PixelNorm<double>(), {3, 2, 5, 4});
  test::check_gradients(PixelNorm<double>({.epsilon = 0.5}), {3, 3, 2, 1});
  test::check_gradients(PixelNorm<double>({.epsilon = 0.1}), {4, 7});
  test::check_gradients(Sequential<double>(Dense<double>({.in = 3, .out = 5}), LeakyReLU<double>(0.2),
                                           PixelNorm<double>(), Dense<double>({.in = 5, .out = 2})),
                        {4, 3});
}

TEMPLATE_TEST_CASE("pixel_norm: PyTorch's values, to second order", "", float, double) {
  rival_test::check_values<TestType>(PixelNorm<TestType>(), "pixel_norm_image");
  rival_test::check_values<TestType>(PixelNorm<TestType>(), "pixel_norm_vector");
}

TEST_CASE("pixel_norm: every pixel by the root of its channels' mean square") {
  const PixelNorm<double> layer({.epsilon = 0.01});
  Tensor<double> x({3, 2, 5, 4});
  Random(1).fill_normal(x);
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  for (Index p = 0; p < x.rows(); ++p) {
    double square = 0;
    for (Index c = 0; c < 4; ++c) square += x[p * 4 + c] * x[p * 4 + c] / 4;
    for (Index c = 0; c < 4; ++c) CHECK(std::abs(y[p * 4 + c] - x[p * 4 + c] / std::sqrt(square + 0.01)) < 1e-13);
  }
}

TEST_CASE("pixel_norm: a pixel of zeros stays so, with finite gradients and tangents") {
  PixelNorm<float> layer;
  const Tensor<float> x({2, 3}), dy({2, 3}, 1.0f);
  Trace<float> trace;
  Tensor<float> dx, dx_tangent;
  CHECK((layer.forward(x, trace, {}).array() == 0).all());
  layer.backward(trace, dy, &dx, {});
  CHECK(dx.array().isFinite().all());
  layer.forward_tangent(dy, trace, {});
  layer.backward_tangent(trace, dy, nullptr, &dx_tangent, {});
  CHECK(dx_tangent.array().isFinite().all());
}

TEST_CASE("pixel_norm: the same bits on any number of threads") {
  rival_test::check_threads(PixelNorm<float>(), {16, 14, 14, 33});
  rival_test::check_threads(PixelNorm<float>(), {41, 5000});
}

TEST_CASE("pixel_norm: refuses bad options and inputs") {
  CHECK_THROWS_WITH(PixelNorm<double>({.epsilon = 0}),
                    ContainsSubstring("pixel_norm: expected a positive `epsilon`, got 0"));
  PixelNorm<double> layer;
  layer.set_name("G.pn1");
  CHECK_THROWS_WITH(layer.output_shape({}),
                    ContainsSubstring("pixel_norm \"G.pn1\": expected vectors or images with channels, got scalar"));
  CHECK_THROWS_WITH(layer.output_shape({2, 2, 0}), ContainsSubstring("got 2x2x0"));
}
