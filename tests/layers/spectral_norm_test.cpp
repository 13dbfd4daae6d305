#include "rival/layers/spectral_norm.hpp"
#include "rival/layers/equalised.hpp"

#include <Eigen/SVD>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

#include "fixture.hpp"
#include "gradient_check.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/network.hpp"

namespace {

using namespace rival;
using rival::test::check_gradients;
using rival_test::difference;
using rival_test::Fixture;

template <class S>
Tensor<S> drawn(const Shape& shape, std::uint64_t seed) {
  Tensor<S> x(shape);
  Random(seed).fill_normal(x);
  return x;
}

template <class S>
double largest_singular_value(const Tensor<S>& w) {
  const Eigen::MatrixXd matrix = w.matrix().template cast<double>();
  return Eigen::JacobiSVD<Eigen::MatrixXd>(matrix).singularValues()[0];
}

bool equal(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && (a.array() == b.array()).all();
}

/// Forward and backward, in training and in evaluation, and the vectors that a commit keeps.
template <class L>
void check_values(SpectralNorm<L> layer, const std::string& name) {
  using S = typename L::Scalar;
  static const Fixture values("block_values");
  constexpr double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-10;
  const auto value = [&](const std::string& local) { return values.tensor<S>(name + "." + local); };
  layer.weight().value = value("weight");
  layer.bias().value = value("bias");
  layer.u().value = value("u");
  layer.v().value = value("v");
  const Tensor<S> x = value("x");
  for (const std::string mode : {"eval", "train"}) {
    INFO(name << ", " << mode);
    Trace<S> trace;
    Tensor<S> dx;
    CHECK(difference(layer.forward(x, trace, {.mode = mode == "train" ? Mode::train : Mode::eval}),
                     value(mode + ".y")) <= tolerance);
    layer.weight().grad.fill(S(0));
    layer.bias().grad.fill(S(0));
    layer.backward(trace, value(mode + ".dy"), &dx, {.parameters = true});
    CHECK(difference(dx, value(mode + ".dx")) <= tolerance);
    CHECK(difference(layer.weight().grad, value(mode + ".dweight")) <= tolerance);
    CHECK(difference(layer.bias().grad, value(mode + ".dbias")) <= tolerance);
    CHECK(difference(layer.u().value, value("u")) == 0);  // forward changes nothing
    layer.commit(trace);
    CHECK(difference(layer.u().value, value(mode + ".u")) <= tolerance);
    CHECK(difference(layer.v().value, value(mode + ".v")) <= tolerance);
  }
}

}  // namespace

TEST_CASE("spectral norm: gradients with the vectors as they are") {
  const test::GradientCheck eval{.modes = {Mode::eval}};
  check_gradients(SpectralNorm(Dense<double>({.in = 5, .out = 4})), {3, 5}, eval);
  check_gradients(SpectralNorm(Dense<double>({.in = 3, .out = 1, .bias = false})), {4, 3}, eval);
  check_gradients(SpectralNorm(Conv2d<double>({.in = 2, .out = 3, .kernel = {3, 2}, .stride = {1, 2}, .padding = 1})),
                  {3, 4, 5, 2}, eval);
  check_gradients(SpectralNorm(ConvTranspose2d<double>({.in = 3, .out = 2, .kernel = 4, .stride = 2, .padding = 1})),
                  {3, 2, 3, 3}, eval);
}

TEST_CASE("spectral norm: gradients in training, where the power method has settled") {
  // Then sigma does not move with u and v to first order, and differences see what the formula says.
  check_gradients(SpectralNorm(Dense<double>({.in = 5, .out = 4}), {.iterations = 300}), {3, 5},
                  {.modes = {Mode::train}});
  check_gradients(SpectralNorm(Conv2d<double>({.in = 2, .out = 3}), {.iterations = 300}), {3, 4, 5, 2},
                  {.modes = {Mode::train}});
}

TEMPLATE_TEST_CASE("spectral norm: PyTorch's values", "", float, double) {
  using S = TestType;
  check_values(SpectralNorm(Dense<S>({.in = 5, .out = 4})), "spectral_dense");
  check_values(SpectralNorm(Conv2d<S>({.in = 3, .out = 4, .kernel = {3, 2}, .stride = 2, .padding = 1})),
               "spectral_conv");
  check_values(
      SpectralNorm(ConvTranspose2d<S>({.in = 3, .out = 2, .kernel = 4, .stride = 2, .padding = 1}), {.iterations = 2}),
      "spectral_conv_transpose");
}

TEST_CASE("spectral norm: sigma comes to the largest singular value") {
  SpectralNorm layer(Conv2d<double>({.in = 3, .out = 8, .kernel = 3}));
  layer.initialise(normal<double>(0, 0.3), Random(3));
  const Tensor<double> x = drawn<double>({2, 4, 5, 3}, 1);
  Trace<double> trace;
  layer.forward(x, trace, {});
  // The weight that was used has the largest singular value 1, nearly so at once after `initialise` and in the end
  // exactly.
  CHECK(std::abs(largest_singular_value(trace.saved[5]) - 1) < 0.05);
  for (int i = 0; i < 300; ++i) {
    layer.forward(x, trace, {});
    layer.commit(trace);
  }
  CHECK(std::abs(largest_singular_value(trace.saved[5]) - 1) < 1e-12);
  layer.forward(x, trace, {.mode = Mode::eval});
  CHECK(std::abs(largest_singular_value(trace.saved[5]) - 1) < 1e-12);
}

TEST_CASE("spectral norm: only a training pass that is committed moves the vectors") {
  Network<float> net("D", {6}, Sequential<float>(SpectralNorm(Dense<float>({.in = 6, .out = 5}))));
  net.initialise(normal<float>(), Random(1));
  REQUIRE(net.buffers().size() == 2);
  Buffer<float>&u = *net.buffers()[0], &v = *net.buffers()[1];
  CHECK(u.name == "D.dense1.u");
  CHECK(v.name == "D.dense1.v");
  CHECK(net.parameters()[0]->name == "D.dense1.weight");
  CHECK(u.value.shape() == Shape{5});
  CHECK(v.value.shape() == Shape{6});
  CHECK(std::abs(u.value.array().matrix().norm() - 1) < 1e-6f);

  Random(7).fill_normal(net.parameters()[0]->value);  // the vectors are no longer right
  const Tensor<float> u0 = u.value, v0 = v.value, x = drawn<float>({3, 6}, 2);
  Trace<float> trace;
  net.infer(x, trace);
  net.layers().forward(x, trace, {.mode = Mode::eval});
  net.layers().commit(trace);
  net.layers().forward(x, trace, {});
  CHECK(equal(u.value, u0));
  CHECK(equal(v.value, v0));
  net.forward(x, trace);
  CHECK_FALSE(equal(u.value, u0));
  CHECK_FALSE(equal(v.value, v0));
}

TEST_CASE("spectral norm: weights that are zeros stay zeros, and the vectors as they are") {
  SpectralNorm layer(Dense<float>({.in = 3, .out = 2}));
  const Tensor<float> x = drawn<float>({4, 3}, 1), u = layer.u().value;
  for (const Mode mode : {Mode::train, Mode::eval}) {
    Trace<float> trace;
    CHECK((layer.forward(x, trace, {.mode = mode}).array() == 0).all());
    layer.commit(trace);
    CHECK(equal(layer.u().value, u));
  }
}

TEST_CASE("spectral norm: batch norm folds into it and leaky ReLUs are fused") {
  Network<double> net(
      "D", {5, 4, 3},
      Sequential<double>(SpectralNorm(Conv2d<double>({.in = 3, .out = 4, .kernel = 3, .padding = 1})),
                         BatchNorm<double>({.features = 4}), LeakyReLU<double>(0.2),
                         SpectralNorm(ConvTranspose2d<double>({.in = 4, .out = 2})), LeakyReLU<double>(0.1)));
  net.initialise(normal<double>(), Random(3));
  Random random(5);
  for (auto* buffer : net.buffers())
    if (buffer->name.find("bn1") != std::string::npos) random.fill_uniform(buffer->value, 0.5, 1.5);
  const Tensor<double> x = drawn<double>({3, 5, 4, 3}, 1);
  Trace<double> trace, reference;
  const Tensor<double> expected = net.layers().forward(x, reference, {.mode = Mode::eval});
  const Tensor<double>& y = net.infer(x, trace);
  CHECK((y.array() - expected.array()).abs().maxCoeff() < 1e-13);
  CHECK(trace.children[1].output.data() == trace.children[0].output.data());
  CHECK(trace.children[2].output.data() == trace.children[0].output.data());
}

TEST_CASE("spectral norm: the same bits on any number of threads") {
  const auto run = [](int count) {
    const int before = threads();
    set_threads(count);
    SpectralNorm layer(Conv2d<float>({.in = 48, .out = 80, .kernel = 4, .stride = 2, .padding = 1}));
    layer.initialise(normal<float>(), Random(2));
    const Tensor<float> x = drawn<float>({8, 12, 12, 48}, 1), dy = drawn<float>({8, 6, 6, 80}, 2);
    Trace<float> trace;
    layer.forward(x, trace, {});
    layer.backward(trace, dy, nullptr, {.parameters = true});
    layer.commit(trace);
    set_threads(before);
    return std::pair(layer.weight().grad, layer.u().value);
  };
  const auto one = run(1), three = run(3);
  CHECK(equal(one.first, three.first));
  CHECK(equal(one.second, three.second));
}

TEST_CASE("spectral norm: a copy has vectors of its own, and says what it is") {
  SpectralNorm layer(Conv2d<float>({.in = 2, .out = 3}));
  layer.set_name("D.conv1");
  layer.initialise(normal<float>(), Random(1));
  const auto copy = layer.clone();
  State<float> state;
  copy->collect(state);
  CHECK(state.buffers[0]->value.data() != layer.u().value.data());
  CHECK(equal(state.buffers[0]->value, layer.u().value));
  CHECK(layer.kind() == "spectral_norm conv2d");
  CHECK(layer.short_name() == "conv");
  CHECK(SpectralNorm(Dense<float>({.in = 2, .out = 3})).short_name() == "dense");
  CHECK_THROWS_WITH(copy->output_shape({5, 5, 4}), "spectral_norm conv2d \"D.conv1\": expected 2 channels, got 4");
}

TEST_CASE("spectral norm: refuses to iterate less than once") {
  CHECK_THROWS_WITH(SpectralNorm(Dense<float>({.in = 2, .out = 3}), {.iterations = 0}),
                    "spectral_norm dense: expected at least 1 iteration, got 0");
}

TEST_CASE("spectral_norm: evaluation of weights that were set has their sigma, whatever was before") {
  SpectralNorm<Dense<double>> layer(Dense<double>({.in = 4, .out = 4}));
  Tensor<double>& w = layer.weight().value;
  const Tensor<double> x({2, 4}, {1, 2, 3, 4, -1, 0.5, 2, -3});
  const auto check = [&](double sigma) {
    Trace<double> trace;
    const auto& y = layer.forward(x, trace, {.mode = Mode::eval});
    const Tensor<double> expected = [&] {
      Tensor<double> product({2, 4});
      product.matrix() = x.matrix() * w.matrix() / sigma;
      return product;
    }();
    // Sigma is as near as the square of what the vectors lack.
    CHECK((y.array() - expected.array()).abs().maxCoeff() < 1e-12 * expected.array().abs().maxCoeff());
  };
  w.fill(0);
  for (Index i = 0; i < 4; ++i) w(i, i) = i % 2 ? 1 : -1;  // orthogonal, and across the vectors that a new layer has
  check(1);
  w.fill(0);
  for (Index i = 0; i < 4; ++i) w(i, i) = static_cast<double>(i + 1);
  check(4);
  // And after training passes on other weights.
  for (int k = 0; k < 20; ++k) {
    Trace<double> trace;
    layer.forward(x, trace, {.mode = Mode::train});
    layer.commit(trace);
  }
  Random(5).fill_normal(w);
  check(largest_singular_value(w));
}

TEST_CASE("spectral_norm, equalised: go around a layer with a weight, and around no other wrapper") {
  static_assert(PlainWeighted<Dense<float>> && PlainWeighted<Conv2d<float>> && PlainWeighted<ConvTranspose2d<float>>);
  static_assert(!PlainWeighted<SpectralNorm<Dense<float>>> && !PlainWeighted<Equalised<Conv2d<float>>>);
  SUCCEED();
}
