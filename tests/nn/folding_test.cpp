// Batch norm folded into the layer in front of it, in a pass that nobody goes backward through.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "catch.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/nn/network.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A network whose weights are drawn and whose running statistics are far from 0 and 1.
template <class S>
Network<S> network(const Shape& input, Sequential<S> layers) {
  Network<S> net("N", input, std::move(layers));
  Random random(7);
  net.initialise(normal<S>(0, S(0.3)), random);
  for (auto* parameter : net.parameters())
    if (parameter->name.ends_with("bias") || parameter->name.find(".bn") != std::string::npos)
      random.fill_uniform(parameter->value, S(-1.5), S(1.5));
  for (auto* buffer : net.buffers()) {
    const bool variance = buffer->name.ends_with("variance");
    random.fill_uniform(buffer->value, S(variance ? 0.02 : -8), S(variance ? 30 : 8));
  }
  return net;
}

template <class S>
Tensor<S> drawn(const Shape& shape, std::uint64_t seed) {
  Tensor<S> x(shape);
  Random(seed).fill_normal(x);
  return x;
}

/// An evaluation that somebody may go backward through folds nothing: the reference.
template <class S>
Tensor<S> unfolded(const Network<S>& net, const Tensor<S>& x) {
  Trace<S> trace;
  return net.layers().forward(x, trace, {.mode = Mode::eval});
}

template <class S>
void check(const Shape& input, Sequential<S> layers) {
  const Network<S> net = network<S>(input, std::move(layers));
  for (const Index count : {1, 3, 33}) {
    INFO(net.layers().size() << " layers, " << count << " samples of " << input);
    const Tensor<S> x = drawn<S>(input.batch(count), 5), expected = unfolded(net, x);
    Trace<S> trace;
    const Tensor<S>& y = net.infer(x, trace);
    REQUIRE(y.shape() == expected.shape());
    // Both round a few times for each term of sums of up to 300; means of up to 8 cancel.
    const S largest = std::max(S(8), expected.array().abs().maxCoeff());
    CHECK((y.array() - expected.array()).abs().maxCoeff() <= 40 * std::numeric_limits<S>::epsilon() * largest);
    CHECK(trace.children[1].output.data() == trace.children[0].output.data());  // folded: no sweep of its own
  }
}

}  // namespace

TEMPLATE_TEST_CASE("folding: infer gives what an unfolded evaluation gives", "", float, double) {
  using S = TestType;
  for (const bool bias : {false, true})
    for (const Index out : {1, 3, 32, 37}) {
      const BatchNorm<S> norm({.features = out});
      const Dense<S> dense({.in = 20, .out = out, .bias = bias});
      const Conv2d<S> conv({.in = 18, .out = out, .kernel = 3, .stride = 2, .padding = 1, .bias = bias});
      const ConvTranspose2d<S> transposed({.in = 18, .out = out, .kernel = 4, .stride = 2, .padding = 1, .bias = bias});
      check<S>({20}, Sequential<S>(dense, norm));
      check<S>({20}, Sequential<S>(dense, norm, LeakyReLU<S>(0.2)));
      check<S>({5, 7, 18}, Sequential<S>(conv, norm));
      check<S>({5, 7, 18}, Sequential<S>(conv, norm, ReLU<S>()));
      check<S>({3, 4, 18}, Sequential<S>(transposed, norm));
      check<S>({3, 4, 18}, Sequential<S>(transposed, norm, LeakyReLU<S>(0.3)));
      check<S>({3, 4, 18}, Sequential<S>(transposed, norm, Tanh<S>(), norm));  // the last has nothing to go into
      check<S>({20}, Sequential<S>(dense, norm, norm, LeakyReLU<S>(0.2)));
    }
}

TEMPLATE_TEST_CASE("folding: in nested stacks too, but not across their borders", "", float, double) {
  using S = TestType;
  const Sequential<S> block(Conv2d<S>({.in = 4, .out = 4, .kernel = 3, .padding = 1}), BatchNorm<S>({.features = 4}),
                            LeakyReLU<S>(0.2));
  const Network<S> net =
      network<S>({6, 5, 4}, Sequential<S>(block, BatchNorm<S>({.features = 4}), block, Flatten<S>(),
                                          BatchNorm<S>({.features = 120}), Dense<S>({.in = 120, .out = 3})));
  const Tensor<S> x = drawn<S>({3, 6, 5, 4}, 1), expected = unfolded(net, x);
  Trace<S> trace;
  const Tensor<S>& y = net.infer(x, trace);
  const S largest = expected.array().abs().maxCoeff();
  CHECK((y.array() - expected.array()).abs().maxCoeff() <= 1000 * std::numeric_limits<S>::epsilon() * largest);
  const auto folded = [&](const Trace<S>& of, std::size_t layer) {
    return of.children[layer].output.data() == of.children[layer - 1].output.data();
  };
  CHECK(folded(trace.children[0], 1));
  CHECK_FALSE(folded(trace, 1));  // behind a block
  CHECK(folded(trace.children[2], 1));
  CHECK_FALSE(folded(trace, 4));
}

TEST_CASE("folding: training, and evaluation that is gone back through, do not fold") {
  Network<double> net =
      network<double>({5}, Sequential<double>(Dense<double>({.in = 5, .out = 4}), BatchNorm<double>({.features = 4}),
                                              LeakyReLU<double>(0.2)));
  const Tensor<double> x = drawn<double>({6, 5}, 1), dy = drawn<double>({6, 4}, 2);
  for (const Mode mode : {Mode::train, Mode::eval}) {
    Trace<double> fresh, used;
    Tensor<double> expected, dx;
    net.layers().forward(x, fresh, {.mode = mode});
    CHECK(fresh.children[1].output.data() != fresh.children[0].output.data());
    net.layers().backward(fresh, dy, &expected, {});
    // A trace that has been inferred with goes on as if it had not.
    net.infer(x, used);
    net.layers().forward(x, used, {.mode = mode});
    net.layers().backward(used, dy, &dx, {});
    CHECK((dx.array() == expected.array()).all());
  }
}

TEST_CASE("folding: nobody goes backward through infer") {
  Network<double> net =
      network<double>({5}, Sequential<double>(Dense<double>({.in = 5, .out = 4}), BatchNorm<double>({.features = 4})));
  const Tensor<double> x = drawn<double>({6, 5}, 1), dy = drawn<double>({6, 4}, 2);
  Trace<double> trace;
  net.forward(x, trace);
  CHECK_NOTHROW(net.backward(trace, dy, {.parameters = true}));
  net.infer(x, trace);
  CHECK_THROWS_WITH(
      net.backward(trace, dy, {.parameters = true}),
      "network \"N\": backward needs the trace of a forward pass through this network, and `infer` leaves none");
  CHECK_THROWS_WITH(net.layers().backward(trace, dy, nullptr, {.parameters = true}),
                    ContainsSubstring("sequential \"N\": backward needs"));
}

TEST_CASE("folding: a batch norm that does not fit says so as ever") {
  const Sequential<> layers(Dense<>({.in = 5, .out = 4}), BatchNorm<>({.features = 3}));
  const Tensor<> x({2, 5});
  Trace<> trace;
  CHECK_THROWS_WITH(layers.forward(x, trace, {.mode = Mode::eval, .backward = false}),
                    ContainsSubstring("batch_norm \"bn1\": expected 3 features on the last axis, got 4"));
}
