#include "rival/layers/weight_norm.hpp"

#include <cmath>
#include <string>
#include <type_traits>

#include "fixture.hpp"
#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/equalised.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using rival_test::difference;
using rival_test::Fixture;

namespace {

template <class L>
void check_values(WeightNorm<L> layer, const std::string& name) {
  INFO(name);
  using S = typename L::Scalar;
  static const Fixture values("block_values");
  constexpr double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-10;
  const auto value = [&](const std::string& local) { return values.tensor<S>(name + "." + local); };
  layer.set_name("w");
  State<S> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 3);
  for (auto* parameter : state.parameters) {
    const Tensor<S> read = value(parameter->name.substr(2));
    INFO(parameter->name);
    REQUIRE(read.shape() == parameter->value.shape());
    parameter->value = read;
    parameter->grad.fill(S(0));
  }
  Trace<S> trace;
  Tensor<S> dx;
  const Tensor<S> x = value("x");
  CHECK(difference(layer.forward(x, trace, {}), value("y")) <= tolerance);
  layer.backward(trace, value("dy"), &dx, {.parameters = true});
  CHECK(difference(dx, value("dx")) <= tolerance);
  for (const auto* parameter : state.parameters) {
    INFO(parameter->name);
    CHECK(difference(parameter->grad, value("d" + parameter->name.substr(2))) <= tolerance);
  }
}

}  // namespace

TEST_CASE("weight_norm: gradients and tangents, of weights, directions and lengths") {
  test::check_gradients(WeightNorm(Dense<double>({.in = 5, .out = 4})), {3, 5});
  test::check_gradients(
      WeightNorm(Conv2d<double>({.in = 2, .out = 3, .kernel = {3, 2}, .stride = {1, 2}, .padding = 1})), {3, 4, 5, 2});
  test::check_gradients(WeightNorm(Conv2d<double>({.in = 4, .out = 6, .kernel = 3, .bias = false, .groups = 2})),
                        {2, 4, 3, 4});
  test::check_gradients(WeightNorm(ConvTranspose2d<double>({.in = 2, .out = 3, .kernel = 4, .stride = 2})),
                        {2, 2, 3, 2});
  test::check_gradients(WeightNorm(Conv1d<double>({.in = 2, .out = 3, .kernel = 4, .stride = 2})), {3, 7, 2});
  test::check_gradients(WeightNorm(ConvTranspose1d<double>({.in = 2, .out = 3, .kernel = 4, .stride = 2})), {3, 3, 2});
  test::check_gradients(Sequential<double>(WeightNorm(Dense<double>({.in = 3, .out = 5})), Tanh<double>(),
                                           WeightNorm(Dense<double>({.in = 5, .out = 2}))),
                        {4, 3});
}

TEMPLATE_TEST_CASE("weight_norm: PyTorch's values", "", float, double) {
  using S = TestType;
  check_values(WeightNorm(Dense<S>({.in = 5, .out = 4})), "weight_norm_dense");
  check_values(WeightNorm(Conv2d<S>({.in = 3, .out = 4, .kernel = {3, 2}, .stride = 2, .padding = 1})),
               "weight_norm_conv");
  check_values(WeightNorm(Conv1d<S>({.in = 3, .out = 4, .kernel = 3, .stride = 2, .padding = 1})),
               "weight_norm_conv1d");
  check_values(WeightNorm(ConvTranspose2d<S>({.in = 3, .out = 2, .kernel = 4, .stride = 2, .padding = 1})),
               "weight_norm_conv_transpose");
}

TEST_CASE("weight_norm: begins as the layer that it is around") {
  WeightNorm layer(Dense<double>({.in = 7, .out = 5}));
  Dense<double> plain({.in = 7, .out = 5});
  layer.set_name("dense1");
  layer.initialise(normal<double>(0, 1), Random(3));
  plain.weight().value = layer.weight().value;
  Tensor<double> x({4, 7});
  Random(1).fill_normal(x);
  Trace<double> trace, plain_trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  const Tensor<double>& expected = plain.forward(x, plain_trace, {});
  for (Index i = 0; i < y.size(); ++i) CHECK(std::abs(y[i] - expected[i]) < 1e-13);
  for (Index c = 0; c < 5; ++c)
    CHECK(std::abs(layer.lengths()[c] - layer.weight().value.matrix().col(c).norm()) < 1e-13);
}

TEST_CASE("weight_norm: lengths that are not learnt are a buffer, and have no gradient") {
  const WeightNormOptions fixed{.learn_lengths = false};
  test::check_gradients(WeightNorm(Dense<double>({.in = 3, .out = 5}), fixed), {4, 3});
  WeightNorm layer(Conv2d<double>({.in = 2, .out = 3, .kernel = 3}), fixed);
  layer.set_name("D.conv1");
  State<double> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 2);
  CHECK(state.parameters[0]->name == "D.conv1.weight_v");
  REQUIRE(state.buffers.size() == 1);
  CHECK(state.buffers[0]->name == "D.conv1.weight_g");
  CHECK(&state.buffers[0]->value == &layer.lengths());
  layer.initialise(normal<double>(0, 0.1), Random(1));
  for (Index c = 0; c < 3; ++c)
    CHECK(std::abs(layer.lengths()[c] - layer.weight().value.matrix().col(c).norm()) < 1e-13);
}

TEST_CASE("weight_norm: directions of zeros make zeros, with finite gradients") {
  WeightNorm layer(Dense<float>({.in = 3, .out = 2}));
  layer.weight().value.fill(0);
  layer.lengths().fill(1);
  const Tensor<float> x({2, 3}, 1.0f), dy({2, 2}, 1.0f);
  Trace<float> trace;
  Tensor<float> dx;
  CHECK((layer.forward(x, trace, {}).array() == 0).all());
  layer.backward(trace, dy, &dx, {.parameters = true});
  CHECK(layer.weight().grad.array().isFinite().all());
  State<float> state;
  layer.collect(state);
  CHECK(state.parameters[0]->grad.array().isFinite().all());
}

TEST_CASE("weight_norm: names, and what it goes around") {
  WeightNorm layer(Conv2d<float>({.in = 2, .out = 3}));
  layer.set_name("D.conv1");
  CHECK(layer.kind() == "weight_norm conv2d");
  CHECK(layer.short_name() == "conv");
  CHECK(layer.weight().name == "D.conv1.weight_v");
  State<float> state;
  layer.collect(state);
  CHECK(state.parameters[0]->name == "D.conv1.weight_g");
  CHECK(layer.lengths().shape() == Shape{1, 1, 1, 3});
  const auto copy = layer.clone();
  copy->assign(layer);
  CHECK(copy->describe() == layer.describe());
  static_assert(PlainWeighted<Conv1d<float>> && !PlainWeighted<WeightNorm<Dense<float>>> &&
                !PlainWeighted<Equalised<Conv1d<float>>>);
}

TEST_CASE("weight_norm: the same bits on any number of threads") {
  rival_test::check_threads(WeightNorm(Conv2d<float>({.in = 48, .out = 80, .kernel = 4, .stride = 2, .padding = 1})),
                            {8, 16, 16, 48});
}

TEST_CASE("weight_norm: outputs of mean 0 and deviation 1 over given inputs, with the directions as they were") {
  WeightNorm dense(Dense<double>({.in = 3, .out = 4}));
  dense.initialise(normal<double>(0, 0.1), Random(1));
  for (Index i = 0; i < 3; ++i) dense.weight().value(i, 3) = 0;  // a channel that is the same for all inputs
  dense.bias().value.fill(5);
  const Tensor<double> before = dense.weight().value;
  Tensor<double> x({20, 3});
  Random(2).fill_normal(x, 1.0, 2.0);
  dense.normalise_outputs(x);
  Trace<double> trace;
  const Tensor<double>& y = dense.forward(x, trace, {});
  for (Index c = 0; c < 4; ++c) {
    const auto outputs = y.matrix().col(c).array();
    CHECK(std::abs(outputs.mean()) < 1e-12);
    CHECK(std::abs(outputs.square().mean() - (c < 3 ? 1 : 0)) < 1e-12);
  }
  CHECK((dense.weight().value.array() == before.array()).all());

  WeightNorm conv(Conv2d<double>({.in = 2, .out = 3, .kernel = 3}));
  conv.initialise(normal<double>(0, 0.1), Random(3));
  Tensor<double> images({2, 5, 4, 2});
  Random(4).fill_normal(images);
  conv.normalise_outputs(images);
  const auto outputs = conv.forward(images, trace, {}).matrix();
  for (Index c = 0; c < 3; ++c) CHECK(std::abs(outputs.col(c).array().square().mean() - 1) < 1e-12);

  WeightNorm bare(Dense<double>({.in = 3, .out = 4, .bias = false}));
  CHECK_THROWS_WITH(bare.normalise_outputs(x),
                    "weight_norm dense: expected a bias, to make its outputs' means 0; got none");
}
