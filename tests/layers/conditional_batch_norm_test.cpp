#include "rival/layers/conditional_batch_norm.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/nn/network.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Tensor<double> draw(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  Random(seed).fill_normal(x, 3.0, 2.0);
  return x;
}

}  // namespace

TEST_CASE("conditional_batch_norm: gradients, in training through the batch's moments and in evaluation without") {
  const test::GradientCheck check{.tangents = false, .labels = {1, 0, 3, 1}};
  test::check_gradients(ConditionalBatchNorm<double>({.features = 3, .classes = 4}), {3, 2, 4, 3}, check);
  test::check_gradients(ConditionalBatchNorm<double>({.features = 5, .classes = 5, .epsilon = 0.5}), {7, 5}, check);
  test::check_gradients(ConditionalBatchNorm<double>({.features = 1, .classes = 4}), {4, 3, 2, 1}, check);
  test::check_gradients(ConditionalBatchNorm<double>({.features = 130, .classes = 4}), {3, 130}, check);
  test::check_gradients(
      Sequential<double>(Conv2d<double>({.in = 1, .out = 3, .kernel = 2}), LeakyReLU<double>(0.3),
                         ConditionalBatchNorm<double>({.features = 3, .classes = 4}), LeakyReLU<double>(0.2)),
      {3, 4, 3, 1}, check);
}

TEMPLATE_TEST_CASE("conditional_batch_norm: PyTorch's values", "", float, double) {
  using S = TestType;
  rival_test::check_values<S>(ConditionalBatchNorm<S>({.features = 3, .classes = 4}), "conditional_batch_norm_image");
  rival_test::check_values<S>(ConditionalBatchNorm<S>({.features = 5, .classes = 4}), "conditional_batch_norm_vector");
}

TEST_CASE(
    "conditional_batch_norm: normalises over the batch, whatever the labels, then by the sample's row of the tables") {
  ConditionalBatchNorm<double> layer({.features = 2, .classes = 3, .epsilon = 0.01});
  layer.weight().value = Tensor<double>({3, 2}, {1, 2, -0.5, 3, 0.25, -1});
  layer.bias().value = Tensor<double>({3, 2}, {0, 1, -4, 2, 0.5, 7});
  const std::vector<Label> labels{2, 0, 2, 1};
  const Tensor<double> x = draw({4, 3, 5, 2}, 1);
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {.labels = labels});
  for (Index c = 0; c < 2; ++c) {
    double mean = 0, variance = 0;
    for (Index r = 0; r < 60; ++r) mean += x[2 * r + c] / 60;
    for (Index r = 0; r < 60; ++r) variance += std::pow(x[2 * r + c] - mean, 2) / 60;
    for (Index r = 0; r < 60; ++r) {
      const Index label = labels[static_cast<std::size_t>(r / 15)];
      CHECK(
          std::abs(y[2 * r + c] - ((x[2 * r + c] - mean) / std::sqrt(variance + 0.01) * layer.weight().value(label, c) +
                                   layer.bias().value(label, c))) < 1e-13);
    }
  }
}

TEST_CASE(
    "conditional_batch_norm: classes of equal rows make it batch norm, in training, its statistics and evaluation") {
  ConditionalBatchNorm<double> layer({.features = 3, .classes = 2, .momentum = 0.3});
  BatchNorm<double> plain({.features = 3, .momentum = 0.3});
  const std::vector<Label> labels{0, 1, 1, 0, 1};
  for (std::uint64_t step = 1; step <= 3; ++step) {
    const Tensor<double> x = draw({5, 2, 2, 3}, step), dy = draw({5, 2, 2, 3}, step + 10);
    for (const Mode mode : {Mode::train, Mode::eval}) {
      Trace<double> trace, plain_trace;
      Tensor<double> dx, plain_dx;
      const auto& y = layer.forward(x, trace, {.mode = mode, .labels = labels});
      const auto& plain_y = plain.forward(x, plain_trace, {.mode = mode});
      layer.backward(trace, dy, &dx, {});
      plain.backward(plain_trace, dy, &plain_dx, {});
      CHECK((y.array() - plain_y.array()).abs().maxCoeff() < 1e-12);
      CHECK((dx.array() - plain_dx.array()).abs().maxCoeff() < 1e-12);
      layer.commit(trace);
      plain.commit(plain_trace);
      CHECK((layer.mean().value.array() == plain.mean().value.array()).all());
      CHECK((layer.variance().value.array() == plain.variance().value.array()).all());
    }
  }
}

TEST_CASE(
    "conditional_batch_norm: a network hands the labels on, in training and inference, behind a convolution too") {
  Network<double> net(
      "G", {3, 4, 1},
      Sequential<double>(Conv2d<double>({.in = 1, .out = 2, .kernel = 2}),
                         ConditionalBatchNorm<double>({.features = 2, .classes = 2}), LeakyReLU<double>(0.2)));
  net.initialise(normal<double>(), Random(1));
  for (auto* parameter : net.parameters())
    if (parameter->name == "G.cbn1.bias") parameter->value = Tensor<double>({2, 2}, {0, 0, 10, 20});
  const Tensor<double> x = draw({4, 3, 4, 1}, 1);
  const std::vector<Label> labels{0, 1, 0, 1}, zeros(4);
  Trace<double> trace, other;
  const Tensor<double> y = net.forward(x, trace, labels);
  CHECK((y.array() > 5).count() == y.size() / 2);
  const Tensor<double> inferred = net.infer(x, trace, labels), of_zeros = net.infer(x, other, zeros);
  for (Index i = 0; i < inferred.size(); ++i)
    CHECK((inferred[i] == of_zeros[i]) == (labels[static_cast<std::size_t>(i / (inferred.size() / 4))] == 0));
  CHECK_THROWS_WITH(net.infer(x, trace), ContainsSubstring("\"G.cbn1\": expected 4 labels, one a sample, got 0"));
}

TEST_CASE("conditional_batch_norm: classes without a sample get no gradient") {
  ConditionalBatchNorm<double> layer({.features = 2, .classes = 4});
  const std::vector<Label> labels{3, 1, 3};
  const Tensor<double> x = draw({3, 2, 2, 2}, 1), dy = draw({3, 2, 2, 2}, 2);
  Trace<double> trace;
  layer.forward(x, trace, {.labels = labels});
  layer.backward(trace, dy, nullptr, {.parameters = true});
  for (const auto* parameter : {&layer.weight(), &layer.bias()})
    for (Index i = 0; i < 8; ++i) CHECK((parameter->grad[i] != 0) == (i / 2 == 1 || i / 2 == 3));
}

TEST_CASE("conditional_batch_norm: the same bits on any number of threads") {
  std::vector<Label> labels(16);
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = static_cast<std::uint8_t>(n * n % 10);
  rival_test::check_threads(ConditionalBatchNorm<float>({.features = 31, .classes = 10}), {16, 14, 14, 31}, labels,
                            false);
}

TEST_CASE("conditional_batch_norm: its state, names and initial values") {
  ConditionalBatchNorm<double> layer({.features = 3, .classes = 5});
  layer.set_name("G.cbn1");
  State<double> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 2);
  REQUIRE(state.buffers.size() == 2);
  CHECK(state.parameters[0]->name == "G.cbn1.weight");
  CHECK(state.parameters[1]->name == "G.cbn1.bias");
  CHECK(state.parameters[0]->value.shape() == Shape{5, 3});
  CHECK(state.parameters[1]->value.shape() == Shape{5, 3});
  CHECK(state.buffers[0]->name == "G.cbn1.mean");
  CHECK(state.buffers[1]->name == "G.cbn1.variance");
  for (auto* parameter : state.parameters) parameter->value.fill(9);
  for (auto* buffer : state.buffers) buffer->value.fill(9);
  layer.initialise(normal<double>(), Random(1));
  CHECK((layer.weight().value.array() == 1).all());
  CHECK((layer.bias().value.array() == 0).all());
  CHECK((layer.mean().value.array() == 0).all());
  CHECK((layer.variance().value.array() == 1).all());
}

TEST_CASE("conditional_batch_norm: refuses bad options, shapes, labels and gradient penalties") {
  CHECK_THROWS_WITH(ConditionalBatchNorm<double>({.classes = 2}),
                    ContainsSubstring("conditional_batch_norm: expected positive `features`, got 0"));
  CHECK_THROWS_WITH(ConditionalBatchNorm<double>({.features = 2}),
                    ContainsSubstring("conditional_batch_norm: expected `classes` from 1 to 65536, got 0"));
  CHECK_THROWS_WITH(ConditionalBatchNorm<double>({.features = 2, .classes = 65537}),
                    ContainsSubstring("from 1 to 65536, got 65537"));
  CHECK_THROWS_WITH(ConditionalBatchNorm<double>({.features = 2, .classes = 2, .epsilon = 0}),
                    ContainsSubstring("conditional_batch_norm: expected a positive `epsilon`, got 0"));
  CHECK_THROWS_WITH(ConditionalBatchNorm<double>({.features = 2, .classes = 2, .momentum = 1.5}),
                    ContainsSubstring("conditional_batch_norm: expected `momentum` in [0, 1], got 1.5"));
  ConditionalBatchNorm<double> layer({.features = 2, .classes = 3});
  layer.set_name("G.cbn1");
  const Tensor<double> x({3, 2}), wrong({3, 4}), one({1, 2});
  const std::vector<Label> good{0, 2, 1}, two{0, 1}, high{0, 3, 1}, single{0};
  Trace<double> trace;
  CHECK_NOTHROW(layer.forward(x, trace, {.labels = good}));
  CHECK_THROWS_WITH(layer.forward(x, trace, {}),
                    ContainsSubstring("conditional_batch_norm \"G.cbn1\": expected 3 labels, one a sample, got 0"));
  CHECK_THROWS_WITH(layer.forward(x, trace, {.labels = two}),
                    ContainsSubstring("expected 3 labels, one a sample, got 2"));
  CHECK_THROWS_WITH(layer.forward(x, trace, {.labels = high}),
                    ContainsSubstring("conditional_batch_norm \"G.cbn1\": expected labels from 0 to 2, got 3"));
  CHECK_THROWS_WITH(layer.forward(wrong, trace, {.labels = good}),
                    ContainsSubstring("expected 2 features on the last axis, got 4"));
  CHECK_THROWS_WITH(layer.forward(one, trace, {.labels = single}),
                    ContainsSubstring("more than one value a feature to train on, got 1x2"));
  CHECK_NOTHROW(layer.forward(one, trace, {.mode = Mode::eval, .labels = single}));
  CHECK_THROWS_WITH(layer.curvature(),
                    ContainsSubstring("conditional_batch_norm \"G.cbn1\": a gradient penalty needs scores that "
                                      "do not depend on the other samples of the batch"));
}
