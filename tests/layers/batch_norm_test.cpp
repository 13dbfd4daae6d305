#include "rival/layers/batch_norm.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Moments {
  double mean = 0, variance = 0;  // the variance divided by the count
};

Moments moments(const Tensor<double>& x, Index feature) {
  Moments m;
  for (Index r = 0; r < x.rows(); ++r) m.mean += x[r * x.cols() + feature];
  m.mean /= static_cast<double>(x.rows());
  for (Index r = 0; r < x.rows(); ++r) m.variance += std::pow(x[r * x.cols() + feature] - m.mean, 2);
  m.variance /= static_cast<double>(x.rows());
  return m;
}

Tensor<double> draw(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  Random(seed).fill_normal(x, 3.0, 2.0);
  return x;
}

}  // namespace

TEST_CASE("batch_norm: gradients, in training through the batch's moments and in evaluation without") {
  test::check_gradients(BatchNorm<double>({.features = 1}), {3, 1}, {.tangents = false});
  test::check_gradients(BatchNorm<double>({.features = 5}), {7, 5}, {.tangents = false});
  test::check_gradients(BatchNorm<double>({.features = 3}), {3, 2, 4, 3}, {.tangents = false});
  test::check_gradients(BatchNorm<double>({.features = 2, .epsilon = 0.5}), {4, 3, 2, 2}, {.tangents = false});
  test::check_gradients(BatchNorm<double>({.features = 2}), {131, 2},
                        {.tangents = false});  // more than one block of rows
}

TEST_CASE("batch_norm: training normalises by the batch") {
  BatchNorm<double> layer({.features = 3, .epsilon = 0.01});
  layer.weight().value = Tensor<double>({3}, {1, 2, -0.5});
  layer.bias().value = Tensor<double>({3}, {0, 1, -4});
  const Tensor<double> x = draw({4, 2, 5, 3}, 1);
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {.mode = Mode::train});
  REQUIRE(y.shape() == x.shape());
  for (Index i = 0; i < x.size(); ++i) {
    const Moments m = moments(x, i % 3);
    const double expected =
        (x[i] - m.mean) / std::sqrt(m.variance + 0.01) * layer.weight().value[i % 3] + layer.bias().value[i % 3];
    CHECK(std::abs(y[i] - expected) < 1e-13);
  }
}

TEST_CASE("batch_norm: a committed training pass moves the running statistics, to the unbiased variance") {
  for (const double momentum : {0.0, 0.1, 0.7, 1.0}) {
    BatchNorm<double> layer({.features = 3, .momentum = momentum});
    double mean[3] = {0, 0, 0}, variance[3] = {1, 1, 1};
    for (std::uint64_t step = 1; step <= 3; ++step) {
      const Tensor<double> x = draw({5, 2, 1, 3}, step);
      Trace<double> trace;
      layer.forward(x, trace, {.mode = Mode::train});
      for (Index c = 0; c < 3; ++c) {  // not yet
        CHECK(std::abs(layer.mean().value[c] - mean[c]) < 1e-13);
        CHECK(std::abs(layer.variance().value[c] - variance[c]) < 1e-13);
      }
      layer.commit(trace);
      for (Index c = 0; c < 3; ++c) {
        const Moments m = moments(x, c);
        mean[c] = (1 - momentum) * mean[c] + momentum * m.mean;
        variance[c] = (1 - momentum) * variance[c] + momentum * m.variance * 10 / 9;
        CHECK(std::abs(layer.mean().value[c] - mean[c]) < 1e-13);
        CHECK(std::abs(layer.variance().value[c] - variance[c]) < 1e-13);
      }
    }
  }
}

TEST_CASE("batch_norm: evaluation normalises by the running statistics, sample by sample, and leaves them") {
  BatchNorm<double> layer({.features = 2});
  layer.mean().value = Tensor<double>({2}, {1, -2});
  layer.variance().value = Tensor<double>({2}, {4, 0.25});
  layer.weight().value = Tensor<double>({2}, {3, -1});
  layer.bias().value = Tensor<double>({2}, {0.5, 2});
  const Tensor<double> x({1, 2}, {7, 1});  // one value a feature is enough
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {.mode = Mode::eval});
  CHECK(std::abs(y[0] - (6 / std::sqrt(4 + 1e-5) * 3 + 0.5)) < 1e-13);
  CHECK(std::abs(y[1] - (-3 / std::sqrt(0.25 + 1e-5) + 2)) < 1e-13);
  layer.commit(trace);
  CHECK(layer.mean().value[0] == 1);
  CHECK(layer.variance().value[1] == 0.25);

  const Tensor<double> dy({1, 2}, {1, 10});
  Tensor<double> dx;
  layer.backward(trace, dy, &dx, {});
  CHECK(std::abs(dx[0] - 3 / std::sqrt(4 + 1e-5)) < 1e-13);
  CHECK(std::abs(dx[1] + 10 / std::sqrt(0.25 + 1e-5)) < 1e-12);
}

TEST_CASE("batch_norm: floats far from zero keep their digits") {
  constexpr Index rows = 1000;
  BatchNorm<float> layer({.features = 2});
  Tensor<float> x({rows, 2});
  Random(1).fill_normal(x, 1e4f, 1.0f);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {.mode = Mode::train});
  for (Index c = 0; c < 2; ++c) {
    double mean = 0, square = 0;
    for (Index r = 0; r < rows; ++r)
      mean += static_cast<double>(y(r, c)), square += std::pow(static_cast<double>(y(r, c)), 2);
    // The inputs themselves are rounded to 1e-3, half of it at most and one way as often as the other; the mean and
    // the products by the scale, numbers of order 1e4 too, once more each.
    CHECK(std::abs(mean / rows) < 4e-3);
    CHECK(std::abs(square / rows - 1) < 4e-3);
  }
}

TEST_CASE("batch_norm: a feature that never changes becomes its bias") {
  BatchNorm<double> layer({.features = 1});
  layer.bias().value.fill(0.25);
  const Tensor<double> x({4, 1}, 7.0), dy({4, 1}, {1, 2, 3, 4});
  Trace<double> trace;
  Tensor<double> dx;
  const Tensor<double>& y = layer.forward(x, trace, {.mode = Mode::train});
  for (Index i = 0; i < 4; ++i) CHECK(std::abs(y[i] - 0.25) < 1e-12);
  layer.backward(trace, dy, &dx, {.parameters = true});
  CHECK(dx.array().isFinite().all());
  CHECK(layer.bias().grad[0] == 10);
}

TEST_CASE("batch_norm: its state, names and initial values") {
  BatchNorm<double> layer({.features = 3});
  layer.set_name("G.bn1");
  State<double> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 2);
  REQUIRE(state.buffers.size() == 2);
  CHECK(state.parameters[0]->name == "G.bn1.weight");
  CHECK(state.parameters[1]->name == "G.bn1.bias");
  CHECK(state.buffers[0]->name == "G.bn1.mean");
  CHECK(state.buffers[1]->name == "G.bn1.variance");
  for (auto* parameter : state.parameters) parameter->value.fill(9);
  for (auto* buffer : state.buffers) buffer->value.fill(9);
  layer.initialise(normal<double>(), Random(1));
  for (Index c = 0; c < 3; ++c) {
    CHECK(layer.weight().value[c] == 1);
    CHECK(layer.bias().value[c] == 0);
    CHECK(layer.mean().value[c] == 0);
    CHECK(layer.variance().value[c] == 1);
  }
}

TEST_CASE("batch_norm: NaN spoils its own feature and no other") {
  BatchNorm<double> layer({.features = 3});
  Tensor<double> x = draw({4, 3}, 1);
  x(2, 1) = std::numeric_limits<double>::quiet_NaN();
  Trace<double> trace;
  for (const double slope : {1.0, 0.0}) {
    const Tensor<double>& y = layer.forward(x, trace, {.mode = Mode::train, .slope = slope});
    for (Index i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i % 3 == 1));
  }
}

TEST_CASE("batch_norm: misuse") {
  CHECK_THROWS_WITH(BatchNorm<double>({}), ContainsSubstring("batch_norm: expected positive `features`, got 0"));
  CHECK_THROWS_WITH(BatchNorm<double>({.features = 2, .epsilon = 0}),
                    ContainsSubstring("batch_norm: expected a positive `epsilon`, got 0"));
  for (const double momentum : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_WITH(BatchNorm<double>({.features = 2, .momentum = momentum}),
                      ContainsSubstring("batch_norm: expected `momentum` in [0, 1], got "));
  BatchNorm<double> layer({.features = 2});
  layer.set_name("G.bn1");
  CHECK_THROWS_WITH(layer.output_shape({4, 4, 3}),
                    ContainsSubstring("batch_norm \"G.bn1\": expected 2 features on the last axis, got 4x4x3"));
  Trace<double> trace;
  const Tensor<double> wrong({5, 3}), one({1, 2}), one_pixel({1, 1, 1, 2}), one_image({1, 1, 2, 2});
  CHECK_THROWS_WITH(layer.forward(wrong, trace, {}), ContainsSubstring("expected 2 features on the last axis, got 3"));
  CHECK_THROWS_WITH(
      layer.forward(one, trace, {}),
      ContainsSubstring("batch_norm \"G.bn1\": expected more than one value a feature to train on, got 1x2"));
  CHECK_THROWS_WITH(layer.forward(one_pixel, trace, {}), ContainsSubstring("got 1x1x1x2"));
  CHECK_NOTHROW(layer.forward(one_image, trace, {}));
}
