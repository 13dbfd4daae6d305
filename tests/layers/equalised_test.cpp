#include "rival/layers/equalised.hpp"

#include <cmath>
#include <string>

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

}  // namespace

TEST_CASE("equalised: gradients") {
  check_gradients(Equalised(Dense<double>({.in = 5, .out = 4})), {3, 5});
  check_gradients(Equalised(Dense<double>({.in = 5, .out = 4, .bias = false}), {.gain = 0.3}), {3, 5});
  check_gradients(Equalised(Conv2d<double>({.in = 2, .out = 3, .kernel = {3, 2}, .stride = {1, 2}, .padding = 1}),
                            {.gain = std::sqrt(2.0)}),
                  {3, 4, 5, 2});
  check_gradients(Equalised(ConvTranspose2d<double>({.in = 3, .out = 2, .kernel = 4, .stride = 2, .padding = 1})),
                  {3, 2, 3, 3});
}

TEST_CASE("equalised: is the layer with weights times gain / sqrt(fan_in)") {
  Equalised layer(Conv2d<double>({.in = 4, .out = 3, .kernel = 3}), {.gain = 1.5});
  CHECK(layer.fan().in == 36);
  CHECK(std::abs(layer.factor() - 1.5 / 6) < 1e-15);
  Conv2d<double> plain({.in = 4, .out = 3, .kernel = 3});
  layer.initialise(normal<double>(), Random(1));
  Random(3).fill_normal(layer.bias().value);
  plain.weight().value.array() = layer.weight().value.array() * (1.5 / 6);
  plain.bias().value = layer.bias().value;
  Tensor<double> x({2, 5, 4, 4});
  Random(2).fill_normal(x);
  Trace<double> a, b;
  CHECK((layer.forward(x, a, {}).array() - plain.forward(x, b, {}).array()).abs().maxCoeff() < 1e-14);
}

TEST_CASE("equalised: draws weights of deviation 1 whatever the initialiser, and keeps signals at their size") {
  Network<float> net("G", {512}, Sequential<float>(Equalised(Dense<float>({.in = 512, .out = 256}))));
  net.initialise(normal<float>(7, 0.001), Random(4));
  CHECK(net.parameters()[0]->name == "G.dense1.weight");
  const auto& w = net.parameters()[0]->value;
  CHECK(std::abs(w.array().mean()) < 5 / std::sqrt(512.0 * 256));
  CHECK(std::abs(w.array().square().mean() - 1) < 0.02);
  CHECK((net.parameters()[1]->value.array() == 0).all());
  Tensor<float> x({64, 512});
  Random(5).fill_normal(x);
  Trace<float> trace;
  CHECK(std::abs(net.infer(x, trace).array().square().mean() - 1) < 0.1);
}

TEST_CASE("equalised: batch norm folds into it and leaky ReLUs are fused") {
  Network<double> net("G", {5, 4, 3},
                      Sequential<double>(Equalised(Conv2d<double>({.in = 3, .out = 4, .kernel = 3, .padding = 1})),
                                         BatchNorm<double>({.features = 4}), LeakyReLU<double>(0.2)));
  net.initialise(normal<double>(), Random(3));
  for (auto* buffer : net.buffers()) Random(5).fill_uniform(buffer->value, 0.5, 1.5);
  Tensor<double> x({3, 5, 4, 3});
  Random(1).fill_normal(x);
  Trace<double> trace, reference;
  const Tensor<double> expected = net.layers().forward(x, reference, {.mode = Mode::eval});
  CHECK((net.infer(x, trace).array() - expected.array()).abs().maxCoeff() < 1e-13);
  CHECK(trace.children[2].output.data() == trace.children[0].output.data());
}

TEST_CASE("equalised: says what it is, and refuses a gain of zero") {
  CHECK(Equalised(Dense<float>({.in = 2, .out = 3})).kind() == "equalised dense");
  CHECK(Equalised(Dense<float>({.in = 2, .out = 3})).short_name() == "dense");
  CHECK(Equalised(Conv2d<float>({.in = 2, .out = 3})).short_name() == "conv");
  CHECK_THROWS_WITH(Equalised(Dense<float>({.in = 2, .out = 3}), {.gain = 0}),
                    "equalised dense: expected a positive, finite gain, got 0");
}
