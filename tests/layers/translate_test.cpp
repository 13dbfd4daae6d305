#include "rival/layers/translate.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/concat.hpp"
#include "rival/layers/dense.hpp"

using namespace rival;

TEST_CASE("translate: gradients") {
  const test::GradientCheck no_tangents{.tangents = false};
  test::check_gradients(Translate<double>({.clip = {3, 4, 5, 2}, .reach = 1.7}), {4, 46}, no_tangents);
  test::check_gradients(Translate<double>({.clip = {2, 1, 3, 1}, .reach = 0.93, .outside = 0.5}), {5, 7}, no_tangents);
  test::check_gradients(
      Sequential<double>(ConcatSkip<double>(Sequential<double>(Dense<double>({.in = 3, .out = 12}), Tanh<double>()),
                                            Sequential<double>(Dense<double>({.in = 3, .out = 4}), Tanh<double>())),
                         Translate<double>({.clip = {2, 3, 4, 1}, .reach = 2})),
      {3, 3}, no_tangents);
}

TEST_CASE("translate: a picture is where its place says, and black is around it") {
  const Index h = 4, w = 5;
  const Translate<float> layer({.clip = {4, h, w, 2}, .reach = 2});
  Tensor<float> x({1, 8 + h * w * 2});
  Random(3).fill_uniform(x, -1.0f, 1.0f);
  const double places[] = {0, 0, 0.5, -1, -1.5, 0.5, 0, 0.25};  // times 2: whole pixels, and half of one
  for (Index i = 0; i < 8; ++i) x[i] = static_cast<float>(places[i]);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  REQUIRE(y.shape() == Shape{1, 4, h, w, 2});
  const auto pixel = [&](Index i, Index j, Index c) {
    return i < 0 || i >= h || j < 0 || j >= w ? -1.0f : x[8 + (i * w + j) * 2 + c];
  };
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j)
      for (Index c = 0; c < 2; ++c) {
        CHECK(y(0, 0, i, j, c) == pixel(i, j, c));
        CHECK(y(0, 1, i, j, c) == pixel(i - 1, j + 2, c));
        CHECK(y(0, 2, i, j, c) == pixel(i + 3, j - 1, c));
        CHECK(y(0, 3, i, j, c) == 0.5f * pixel(i, j - 1, c) + 0.5f * pixel(i, j, c));
      }
}

TEST_CASE("translate: nothing of a picture is seen that has moved away, however far") {
  const Translate<double> layer({.clip = {6, 3, 4, 1}, .outside = 0.25});
  for (const double far : {4.0, 5.0, 1e3, 1e30, 1e300}) {
    Tensor<double> x({1, 24}, 7.0);
    for (Index t = 0; t < 6; ++t) x[2 * t] = x[2 * t + 1] = 0;
    x[0] = far, x[2] = -far, x[5] = far + 1, x[7] = -far - 1, x[8] = x[9] = far, x[10] = x[11] = -far;
    Trace<double> trace;
    const Tensor<double>& y = layer.forward(x, trace, {});
    for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == 0.25);
    Tensor<double> dx;
    Translate<double> again = layer;
    again.backward(trace, Tensor<double>(y.shape(), 1.0), &dx, {});
    for (Index i = 0; i < dx.size(); ++i) CHECK(dx[i] == 0);
  }
}

TEST_CASE("translate: a place that is no number is not hidden") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  Translate<double> layer({.clip = {2, 3, 3, 1}});
  for (const double value : {nan, infinite, -infinite}) {
    Tensor<double> x({1, 13}, 0.5);
    x[0] = value, x[2] = x[3] = 0;
    Trace<double> trace;
    const Tensor<double>& y = layer.forward(x, trace, {});
    for (Index i = 0; i < 9; ++i) CHECK_FALSE(std::isfinite(y[i]));
    for (Index i = 9; i < 18; ++i) CHECK(y[i] == 0.5);
    Tensor<double> dx;
    layer.backward(trace, Tensor<double>(y.shape(), 1.0), &dx, {});
    for (Index i = 4; i < 13; ++i) CHECK(dx[i] == 1);  // of the other frame
  }
}

TEST_CASE("translate: the same bits on one thread and on three") {
  rival_test::check_threads(Translate<float>({.clip = {8, 64, 64, 2}, .reach = 8}), {16, 8208}, {}, false);
}

TEST_CASE("translate: misuse") {
  CHECK_THROWS_WITH(Translate<>({.clip = {2, 3, 4}}),
                    "translate: expected a `clip` of frames x height x width x channels, got 2x3x4");
  CHECK_THROWS_WITH(Translate<>({.clip = {2, 3, 4, 1}, .reach = std::numeric_limits<double>::infinity()}),
                    "translate: expected a finite `reach`, got inf");
  CHECK_THROWS_WITH(Translate<>({.clip = {2, 3, 4, 1}, .outside = std::numeric_limits<double>::quiet_NaN()}),
                    "translate: expected a finite `outside`, got nan");
  CHECK_THROWS_WITH(Translate<float>({.clip = {2, 3, 4, 1}, .reach = 1e300}),
                    "translate: expected a finite `reach`, got 1e+300");
  Translate<> layer({.clip = {2, 3, 4, 1}});
  layer.set_name("G.translate1");
  CHECK_THROWS_WITH(layer.output_shape({12}),
                    "translate \"G.translate1\": expected vectors of 16, two a frame and a picture, got 12");
  CHECK_THROWS_WITH(layer.curvature(),
                    "translate \"G.translate1\": a gradient penalty needs the tangents of every layer of the "
                    "discriminator, and this kind has none");
}
