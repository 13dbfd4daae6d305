// Layers against PyTorch's values: outputs, input gradients and the gradients of all parameters, element by element.
//
// The values are PyTorch's in double, to 12 digits. Sums of some hundred products of numbers near 1 round to a few 1e-7
// of the largest element in float and to some 1e-14 in double: tolerances of 1e-5 and 1e-10 leave room for any order
// of summation, and the second for no mistake in a formula.

#include <string>
#include <type_traits>
#include <utility>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/gru.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/translate.hpp"
#include "rival/layers/upsample.hpp"
#include "rival/nn/network.hpp"

using namespace rival;
using rival_test::difference;
using rival_test::Fixture;

namespace {

template <class S>
constexpr double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-10;

const Fixture& values() {
  static const Fixture fixture("pytorch_layers");
  return fixture;
}

/// "conv.weight" -> "conv.dweight".
std::string gradient_name(const std::string& name) {
  const auto dot = name.rfind('.') + 1;
  return name.substr(0, dot) + "d" + name.substr(dot);
}

/// Sets parameters and buffers from the fixture, where they go by the same names.
template <class S>
State<S> load(Layer<S>& layer, const std::string& name) {
  layer.set_name(name);
  State<S> state;
  layer.collect(state);
  for (auto* parameter : state.parameters) {
    const auto value = values().tensor<S>(parameter->name);
    INFO(parameter->name << ": expected " << parameter->value.shape() << ", got " << value.shape());
    REQUIRE(parameter->value.shape() == value.shape());
    parameter->value = value;
    parameter->grad.fill(S(0));
  }
  for (auto* buffer : state.buffers)
    if (values().has(buffer->name)) buffer->value = values().tensor<S>(buffer->name);
  return state;
}

/// `times` the gradients that the fixture holds stand in Parameter::grad.
template <class S>
void check_gradients(const State<S>& state, int times) {
  for (const auto* parameter : state.parameters) {
    auto expected = values().tensor<S>(gradient_name(parameter->name));
    expected.array() *= static_cast<S>(times);
    INFO("gradient of " << parameter->name << ", " << times << " backward passes");
    if (times == 0)
      CHECK(parameter->grad.array().isZero(S(0)));
    else
      CHECK(difference(parameter->grad, expected) <= tolerance<S>);
  }
}

template <class S>
void check(Layer<S>& layer, const std::string& name, Mode mode = Mode::train) {
  INFO(name);
  const auto state = load(layer, name);
  const auto x = values().tensor<S>(name + ".x"), dy = values().tensor<S>(name + ".dy");
  const auto expected_dx = values().tensor<S>(name + ".dx");

  Trace<S> trace;
  const auto& y = layer.forward(x, trace, {.mode = mode});
  CHECK(difference(y, values().tensor<S>(name + ".y")) <= tolerance<S>);
  CHECK(layer.output_shape(x.shape().sample()).batch(x.dim(0)) == y.shape());

  // The input's gradient alone, the parameters' alone, and both: the last adds to the parameters' once more.
  Tensor<S> dx;
  layer.backward(trace, dy, &dx, {.parameters = false});
  CHECK(difference(dx, expected_dx) <= tolerance<S>);
  check_gradients(state, 0);
  layer.backward(trace, dy, nullptr, {.parameters = true});
  check_gradients(state, 1);
  dx.fill(S(-1));
  layer.backward(trace, dy, &dx, {.parameters = true});
  CHECK(difference(dx, expected_dx) <= tolerance<S>);
  check_gradients(state, 2);
}

template <class S>
void check(Layer<S>&& layer, const std::string& name) {
  check(layer, name);
}

}  // namespace

TEMPLATE_TEST_CASE("dense layers have PyTorch's values", "", float, double) {
  using S = TestType;
  check<S>(Dense<S>({.in = 5, .out = 4}), "dense");
  check<S>(Dense<S>({.in = 5, .out = 4, .bias = false}), "dense_no_bias");
}

TEMPLATE_TEST_CASE("convolutions have PyTorch's values", "", float, double) {
  using S = TestType;
  using Conv = Conv2d<S>;
  check<S>(Conv({.in = 3, .out = 4, .kernel = 3, .stride = 1, .padding = 1}), "conv_k3s1p1");
  check<S>(Conv({.in = 3, .out = 2, .kernel = 4, .stride = 2, .padding = 1}), "conv_k4s2p1");
  check<S>(Conv({.in = 1, .out = 3, .kernel = 5, .stride = 2, .padding = 2}), "conv_k5s2p2");
  check<S>(Conv({.in = 5, .out = 1, .kernel = 3, .stride = 1, .padding = 0}), "conv_k3s1p0_to_1x1");
  check<S>(Conv({.in = 2, .out = 3, .kernel = {3, 2}, .stride = {2, 3}, .padding = {2, 1}}), "conv_rectangular");
  check<S>(Conv({.in = 3, .out = 2, .kernel = 3, .stride = 2, .padding = 1, .bias = false}), "conv_no_bias");
  check<S>(Conv({.in = 1, .out = 1, .kernel = 3, .stride = 1, .padding = 1}), "conv_grey");
  check<S>(Conv({.in = 2, .out = 2, .kernel = 3, .stride = 2, .padding = 0}), "conv_rows_unused");
  check<S>(Conv({.in = 2, .out = 3, .kernel = 2, .stride = 3, .padding = 0}), "conv_stride_above_kernel");
  check<S>(Conv({.in = 18, .out = 19, .kernel = 2, .stride = 1, .padding = 1}), "conv_wide");
  check<S>(Conv({.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}), "conv_same_k5s2");
}

TEMPLATE_TEST_CASE("transposed convolutions have PyTorch's values", "", float, double) {
  using S = TestType;
  using Conv = ConvTranspose2d<S>;
  check<S>(Conv({.in = 5, .out = 4, .kernel = 4, .stride = 1, .padding = 0}), "conv_transpose_k4s1p0_from_1x1");
  check<S>(Conv({.in = 3, .out = 4, .kernel = 3, .stride = 2, .padding = 1}), "conv_transpose_k3s2p1");
  check<S>(Conv({.in = 3, .out = 1, .kernel = 4, .stride = 2, .padding = 1}), "conv_transpose_k4s2p1");
  check<S>(Conv({.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 2, .output_padding = 1}),
           "conv_transpose_k5s2p2op1");
  check<S>(Conv({.in = 2, .out = 2, .kernel = 5, .stride = 1, .padding = 2}), "conv_transpose_k5s1p2");
  check<S>(Conv({.in = 3, .out = 2, .kernel = 2, .stride = 3, .padding = 0}), "conv_transpose_stride_above_kernel");
  check<S>(Conv({.in = 2, .out = 3, .kernel = {3, 4}, .stride = {2, 3}, .padding = {1, 2}, .output_padding = {1, 2}}),
           "conv_transpose_rectangular");
  check<S>(Conv({.in = 3, .out = 2, .kernel = 4, .stride = 2, .padding = 1, .bias = false}), "conv_transpose_no_bias");
  check<S>(Conv({.in = 18, .out = 19, .kernel = 2, .stride = 2, .padding = 0}), "conv_transpose_wide");
  check<S>(Conv({.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}),
           "conv_transpose_same_k5s2");
}

TEMPLATE_TEST_CASE("convolutions of signals have PyTorch's values", "", float, double) {
  using S = TestType;
  using Conv = Conv1d<S>;
  check<S>(Conv({.in = 3, .out = 4, .kernel = 3, .padding = 1}), "conv1d_k3s1p1");
  check<S>(Conv({.in = 1, .out = 3, .kernel = 25, .stride = 4, .padding = 11}), "conv1d_k25s4p11");
  check<S>(Conv({.in = 2, .out = 5, .kernel = 4, .stride = 3, .bias = false}), "conv1d_k4s3_no_bias");
  check<S>(Conv({.in = 4, .out = 6, .kernel = 3, .padding = 2, .groups = 2}), "conv1d_groups");
  using Transposed = ConvTranspose1d<S>;
  check<S>(Transposed({.in = 3, .out = 2, .kernel = 25, .stride = 4, .padding = 11, .output_padding = 1}),
           "conv_transpose1d_k25s4p11op1");
  check<S>(Transposed({.in = 2, .out = 1, .kernel = 4, .stride = 2, .padding = 1}), "conv_transpose1d_k4s2p1");
  check<S>(Transposed({.in = 3, .out = 4, .kernel = 2, .stride = 3, .bias = false}), "conv_transpose1d_no_bias");
}

TEMPLATE_TEST_CASE("recurrent layers have PyTorch's values", "", float, double) {
  using S = TestType;
  check<S>(GRU<S>({.in = 3, .hidden = 4}), "gru");
  check<S>(GRU<S>({.in = 3, .hidden = 4, .last = true}), "gru_last");
}

TEMPLATE_TEST_CASE("a picture that moves has PyTorch's values", "", float, double) {
  using S = TestType;
  check<S>(Translate<S>({.clip = {4, 3, 5, 1}, .reach = 2}), "translate");
  check<S>(Translate<S>({.clip = {2, 4, 2, 3}, .reach = 1.5, .outside = 0.25}), "translate_colours");
}

TEMPLATE_TEST_CASE("batch norm has PyTorch's values", "", float, double) {
  using S = TestType;
  for (const std::string name : {"batch_norm_vector", "batch_norm_image"}) {
    BatchNorm<S> norm({.features = 4});
    check<S>(norm, name);

    // The running statistics after two batches, from the start: mean 0, variance 1.
    BatchNorm<S> fresh({.features = 4});
    fresh.set_name("fresh");
    State<S> state;
    fresh.collect(state);
    Trace<S> trace;
    const auto first = values().tensor<S>(name + ".x"), second = values().tensor<S>(name + ".second_x");
    for (const auto* x : {&first, &second}) {
      fresh.forward(*x, trace, {.mode = Mode::train});
      fresh.commit(trace);
    }
    REQUIRE(state.buffers.size() == 2);
    CHECK(state.buffers[0]->name == "fresh.mean");
    CHECK(state.buffers[1]->name == "fresh.variance");
    CHECK(difference(state.buffers[0]->value, values().tensor<S>(name + ".mean")) <= tolerance<S>);
    CHECK(difference(state.buffers[1]->value, values().tensor<S>(name + ".variance")) <= tolerance<S>);

    check<S>(norm, name + "_eval", Mode::eval);
  }
}

TEMPLATE_TEST_CASE("activations have PyTorch's values", "", float, double) {
  using S = TestType;
  for (const std::string suffix : {"", "_far"}) {
    check<S>(ReLU<S>(), "relu" + suffix);
    check<S>(LeakyReLU<S>(0.2), "leaky_relu" + suffix);
    check<S>(ELU<S>(), "elu" + suffix);
    check<S>(ELU<S>(0.5), "elu_alpha" + suffix);
    check<S>(Tanh<S>(), "tanh" + suffix);
    check<S>(Sigmoid<S>(), "sigmoid" + suffix);
    check<S>(SiLU<S>(), "silu" + suffix);
    check<S>(Softplus<S>(), "softplus" + suffix);
  }
}

TEMPLATE_TEST_CASE("pooling has PyTorch's values", "", float, double) {
  using S = TestType;
  using Max = MaxPool2d<S>;
  using Average = AvgPool2d<S>;
  check<S>(Max({.kernel = 2}), "max_pool_k2s2");
  check<S>(Max({.kernel = 3, .stride = 2}), "max_pool_k3s2");
  check<S>(Max({.kernel = 3, .stride = 2, .padding = 1}), "max_pool_k3s2p1");
  check<S>(Max({.kernel = {3, 2}, .stride = {1, 3}, .padding = {1, 0}}), "max_pool_rectangular");
  check<S>(Average({.kernel = 2}), "average_pool_k2s2");
  check<S>(Average({.kernel = 3, .stride = 2}), "average_pool_k3s2");
  check<S>(Average({.kernel = 3, .stride = 2, .padding = 1}), "average_pool_k3s2p1");
  check<S>(Average({.kernel = {3, 2}, .stride = {1, 3}, .padding = {1, 0}}), "average_pool_rectangular");
  check<S>(Average({.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false}), "average_pool_k3s2p1_inside");
  check<S>(Average({.kernel = {3, 2}, .stride = {1, 3}, .padding = {1, 0}, .count_include_pad = false}),
           "average_pool_rectangular_inside");
}

TEMPLATE_TEST_CASE("upsampling has PyTorch's values", "", float, double) {
  using S = TestType;
  for (const Index factor : {2, 3}) {
    check<S>(Upsample<S>({.factor = factor}), "upsample_nearest_" + std::to_string(factor));
    check<S>(Upsample<S>({.factor = factor, .mode = Interpolation::bilinear}),
             "upsample_bilinear_" + std::to_string(factor));
  }
}

// The order in which images flatten to dense columns, and activations that are fused with their neighbours.
TEMPLATE_TEST_CASE("a small network has PyTorch's values", "", float, double) {
  using S = TestType;
  Sequential<S> network(
      Dense<S>({.in = 5, .out = 18}), LeakyReLU<S>(0.3), Reshape<S>({2, 3, 3}),
      ConvTranspose2d<S>({.in = 3, .out = 2, .kernel = 5, .stride = 2, .padding = 2, .output_padding = 1}),
      LeakyReLU<S>(0.3), Conv2d<S>({.in = 2, .out = 3, .kernel = 3, .stride = 2, .padding = 1}), ReLU<S>(),
      Flatten<S>(), Dense<S>({.in = 18, .out = 2}));
  check<S>(network, "network");
}

TEST_CASE("a fixture that is not there is named") {
  CHECK_THROWS_WITH(Fixture("no_such_file"), Catch::Matchers::ContainsSubstring("no_such_file.txt"));
  CHECK_THROWS_WITH(values().tensor<float>("no_such_tensor"),
                    Catch::Matchers::ContainsSubstring("no tensor \"no_such_tensor\""));
}
