#include "rival/nn/network.hpp"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Network<> discriminator(std::uint64_t seed = 1) {
  Network<> network(
      "D", {8, 6, 1},
      Sequential<>(Conv2d<>({.in = 1, .out = 16, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<>(0.2),
                   Sequential<>(Conv2d<>({.in = 16, .out = 24, .kernel = 3, .padding = 1, .bias = false}),
                                BatchNorm<>({.features = 24}), LeakyReLU<>(0.2)),
                   Dropout<>({.rate = 0.25}), Flatten<>(), Dense<>({.in = 4 * 3 * 24, .out = 1})));
  network.initialise(normal<>(0, 0.2), Random(seed));
  return network;
}

Tensor<> images(Index count, std::uint64_t seed = 3) {
  Tensor<> x({count, 8, 6, 1});
  Random(seed).fill_uniform(x, -1.0f, 1.0f);
  return x;
}

bool same(const Tensor<>& a, const Tensor<>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

std::vector<Tensor<>> gradients(Network<>& network) {
  std::vector<Tensor<>> all;
  for (auto* parameter : network.parameters()) all.push_back(parameter->grad);
  return all;
}
bool same(const std::vector<Tensor<>>& a, const std::vector<Tensor<>>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return same(x, y); });
}
void zero_gradients(Network<>& network) {
  for (auto* parameter : network.parameters()) parameter->grad.fill(0);
}

}  // namespace

TEST_CASE("network: refuses a batch of another shape, and layers that do not fit") {
  Network<> network = discriminator();
  CHECK(network.output_shape() == Shape{1});
  Trace<> trace;
  for (const Shape& shape :
       {Shape{3, 6, 8, 1}, Shape{3, 8, 6, 3}, Shape{3, 48}, Shape{8, 6, 1}, Shape{0, 8, 6, 1}, Shape{}}) {
    const Tensor<> x(shape);
    const std::string expected = "network \"D\": expected a batch of 8x6x1, got " + shape.text();
    CHECK_THROWS_WITH(network.forward(x, trace), ContainsSubstring(expected));
    CHECK_THROWS_WITH(network.infer(x, trace), ContainsSubstring(expected));
  }
  CHECK_THROWS_WITH(Network<>("D", {28, 28, 3}, Sequential<>(LeakyReLU<>(), Conv2d<>({.in = 1, .out = 2}))),
                    ContainsSubstring("conv2d \"D.conv1\": expected 1 channels, got 3"));
}

TEST_CASE("network: refuses an output gradient of another shape") {
  Network<> network = discriminator();
  const Tensor<> x = images(4), wrong_count({3, 1}), wrong_rank({4});
  Trace<> trace, unused;
  network.forward(x, trace);
  CHECK_THROWS_WITH(network.backward(trace, wrong_count, {.parameters = true}),
                    ContainsSubstring("network \"D\": expected an output gradient of 4x1, got 3x1"));
  CHECK_THROWS_WITH(network.backward(trace, wrong_rank, {.input = true}), ContainsSubstring("of 4x1, got 4"));
  CHECK_THROWS_WITH(network.backward(unused, wrong_rank, {.input = true}),
                    ContainsSubstring("network \"D\": backward needs the trace of a forward pass"));
  // The trace of another network, whose batch is of the right size.
  Network<> other("other", {7}, Sequential<>(Dense<>({.in = 7, .out = 1})));
  const Tensor<> vectors({4, 7}), dy({4, 1});
  other.forward(vectors, unused);
  CHECK_THROWS_WITH(network.backward(unused, dy, {.input = true}), ContainsSubstring("through this network"));
}

TEST_CASE("network: backward computes what is wanted and nothing else") {
  Network<> network = discriminator();
  const Tensor<> x = images(4), dy({4, 1}, {1, -2, 0.5, 1});
  Trace<> trace;
  network.forward(x, trace);
  const auto zero = gradients(network);

  CHECK(network.backward(trace, dy, {}).empty());
  CHECK(same(gradients(network), zero));

  const Tensor<> dx = network.backward(trace, dy, {.input = true});
  CHECK(dx.shape() == x.shape());
  CHECK((dx.array() != 0).any());
  CHECK(same(gradients(network), zero));

  CHECK(network.backward(trace, dy, {.parameters = true}).empty());
  const auto once = gradients(network);
  for (const Tensor<>& gradient : once) CHECK((gradient.array() != 0).any());

  zero_gradients(network);
  CHECK(same(network.backward(trace, dy, {.parameters = true, .input = true}), dx));
  CHECK(same(gradients(network), once));
}

TEST_CASE("network: passes over two batches can stand side by side before one update") {
  Network<> network = discriminator();
  const Tensor<> real = images(4, 1), fake = images(6, 2), dreal({4, 1}, 0.25f), dfake({6, 1}, -0.5f);
  Trace<> a, b;
  network.forward(real, a);
  network.forward(fake, b);
  const auto gradient_of = [&](Trace<>& trace, const Tensor<>& dy) {
    zero_gradients(network);
    network.backward(trace, dy, {.parameters = true});
    return gradients(network);
  };
  const auto of_fake = gradient_of(b, dfake), of_real = gradient_of(a, dreal);
  zero_gradients(network);
  network.backward(a, dreal, {.parameters = true});
  const Tensor<> dx = network.backward(b, dfake, {.input = true});  // as for the generator: adds nothing
  CHECK(same(gradients(network), of_real));
  network.backward(b, dfake, {.parameters = true});
  const auto both = gradients(network);
  for (std::size_t p = 0; p < both.size(); ++p) {
    // The second pass adds block by block to what the first left: floats of order 1 to 10 rounded a few times.
    const float largest = both[p].array().abs().maxCoeff() + of_real[p].array().abs().maxCoeff();
    CHECK((both[p].array() - of_real[p].array() - of_fake[p].array()).abs().maxCoeff() <= 2e-6f * largest);
  }
  CHECK(same(network.backward(b, dfake, {.input = true}), dx));
}

TEST_CASE("network: the running statistics move with a training pass, not with evaluation") {
  Network<> network = discriminator();
  const Tensor<> x = images(4);
  Trace<> trace;
  const auto mean = [&] { return network.buffers().at(0)->value; };
  const Tensor<> before = mean();
  network.infer(x, trace);
  CHECK(same(mean(), before));
  network.forward(x, trace);
  CHECK_FALSE(same(mean(), before));
}

TEST_CASE("network: several threads evaluate one network at once") {
  const Network<> network = discriminator();
  constexpr std::size_t count = 4;
  std::vector<Tensor<>> inputs, expected, got(count);
  for (std::size_t i = 0; i < count; ++i) {
    Trace<> trace;
    inputs.push_back(images(3 + static_cast<Index>(i), i));
    expected.push_back(network.infer(inputs[i], trace));
  }
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < count; ++i)
    workers.emplace_back([&, i] {
      Trace<> trace;
      for (int repeat = 0; repeat < 20; ++repeat) got[i] = network.infer(inputs[i], trace);
    });
  for (std::thread& worker : workers) worker.join();
  for (std::size_t i = 0; i < count; ++i) CHECK(same(got[i], expected[i]));
}

TEST_CASE("network: a copy has weights of its own and the same names") {
  Network<> network = discriminator(), copy = network;
  const auto originals = network.parameters(), copies = copy.parameters();
  REQUIRE(originals.size() == 7);
  REQUIRE(copies.size() == originals.size());
  const char* names[] = {"D.conv1.weight",    "D.conv1.bias",    "D.block1.conv1.weight", "D.block1.bn1.weight",
                         "D.block1.bn1.bias", "D.dense1.weight", "D.dense1.bias"};
  for (std::size_t p = 0; p < originals.size(); ++p) {
    CHECK(originals[p]->name == names[p]);
    CHECK(copies[p]->name == names[p]);
    CHECK(same(copies[p]->value, originals[p]->value));
    CHECK(copies[p]->value.data() != originals[p]->value.data());
  }
  const Tensor<> x = images(4);
  Trace<> a, b;
  const Tensor<> y = network.infer(x, a);
  for (auto* parameter : copies) parameter->value.fill(0);
  for (auto* buffer : copy.buffers()) buffer->value.fill(5);
  CHECK(same(network.infer(x, a), y));
  CHECK_FALSE(same(copy.infer(x, b), y));

  // A moved network is the same one, and a trace goes on with it.
  network.forward(x, a);
  zero_gradients(network);
  const Tensor<> dy({4, 1}, 1.0f), dx = network.backward(a, dy, {.input = true});
  Network<> moved = std::move(network);
  CHECK(same(moved.backward(a, dy, {.input = true}), dx));
}

TEST_CASE("network: the same seed draws the same weights, whatever came before") {
  Network<> a = discriminator(1), b = discriminator(2), c = discriminator(1);
  const auto weight = [](Network<>& network) { return network.parameters().at(2)->value; };
  CHECK(same(weight(a), weight(c)));
  CHECK_FALSE(same(weight(a), weight(b)));
  b.initialise(normal<>(0, 0.2), Random(1));
  CHECK(same(weight(a), weight(b)));
}
