// Who holds a network, a trace or a label still holds something afterwards, whatever is assigned, moved or gone.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "rival/optim/moving_average.hpp"
#include "rival/optim/sgd.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Generator<> generator(std::uint64_t seed, double rate = 0.25, Index width = 8) {
  Generator<> network(
      3, Sequential<>(
             Dense<>({.in = 3, .out = width}), BatchNorm<>({.features = width}), LeakyReLU<>(rate),
             Residual<>(Sequential<>(SpectralNorm(Dense<>({.in = width, .out = width})), Dropout<>({.rate = rate}))),
             Sequential<>(Dense<>({.in = width, .out = 4}))));
  network.initialise(normal<>(0, 0.5), Random(seed));
  return network;
}

Tensor<> drawn(const Shape& shape, std::uint64_t seed = 1) {
  Tensor<> x(shape);
  Random(seed).fill_normal(x);
  return x;
}

bool same(const Tensor<>& a, const Tensor<>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

/// What the network makes of a batch, in training and then in evaluation.
std::vector<Tensor<>> outputs(Network<> network) {  // a copy: training moves streams and statistics
  const Tensor<> x = drawn({5, 3}, 9);
  Trace<> trace;
  std::vector<Tensor<>> all{network.forward(x, trace)};
  all.push_back(network.infer(x, trace));
  return all;
}
bool alike(const Network<>& a, const Network<>& b) {
  const auto x = outputs(a), y = outputs(b);
  return same(x[0], y[0]) && same(x[1], y[1]);
}

/// A training step of plain gradient descent on the sum of the outputs.
void step(Network<>& network, Optimizer<>& optimizer) {
  const Tensor<> x = drawn({6, 3}, 4);
  Trace<> trace;
  const Tensor<> dy(network.forward(x, trace).shape(), 1.0f);
  network.backward(trace, dy, {.parameters = true});
  optimizer.step();
}

}  // namespace

TEST_CASE("ownership: assigning to a network copies values in place, for whoever holds it") {
  Generator<> held = generator(1);
  const Generator<> best = generator(2);
  Sgd<> optimizer(held.parameters(), {.learning_rate = 0.1});
  Generator<> average = held;
  MovingAverage<> moving(average.state(), held.state(), {.ramp_up = 0});
  step(held, optimizer);
  std::vector<const float*> places;
  for (const auto* parameter : held.parameters()) places.push_back(parameter->value.data());
  held.parameters()[0]->grad.fill(3);

  held = best;
  CHECK(alike(held, best));
  CHECK(held.parameters()[0]->name == "G.dense1.weight");
  for (std::size_t i = 0; i < places.size(); ++i) {
    CHECK(held.parameters()[i] == optimizer.parameters()[i]);
    CHECK(held.parameters()[i]->value.data() == places[i]);
    CHECK((held.parameters()[i]->grad.array() == 0).all());
  }
  // The optimiser and the average go on with this network.
  step(held, optimizer);
  CHECK_FALSE(alike(held, best));
  moving.update();
  average = held;
  CHECK(alike(average, held));
  moving.update();
  CHECK(alike(average, held));

  const Generator<> before = held;
  const Generator<>& self = held;
  held = self;
  CHECK(alike(held, before));
  step(held, optimizer);
}

TEST_CASE("ownership: move assignment too copies in place, and what it takes from stays with its holder") {
  Generator<> a = generator(1), b = generator(2);
  const Generator<> b_before = b;
  Sgd<> of_a(a.parameters(), {.learning_rate = 0.1}), of_b(b.parameters(), {.learning_rate = 0.1});
  a = std::move(b);
  CHECK(alike(a, b_before));
  CHECK(alike(b, b_before));  // NOLINT: it is not moved from, as Network says
  step(a, of_a);
  step(b, of_b);
  CHECK(alike(a, b));
}

TEST_CASE("ownership: a network takes its own name and options to the other's values") {
  Network<> a("A", {3}, Sequential<>(Dense<>({.in = 3, .out = 4}), LeakyReLU<>(0.5), Dropout<>({.rate = 0.5})));
  Network<> b("B", {3}, Sequential<>(Dense<>({.in = 3, .out = 4}), LeakyReLU<>(0.25), Dropout<>({.rate = 0.25})));
  b.initialise(normal<>(), Random(1));
  a = b;
  CHECK(a.name() == "A");
  CHECK(a.parameters()[1]->name == "A.dense1.bias");
  CHECK(a.state().streams[0].first == "A.dropout1");
  CHECK(alike(a, b));
}

TEST_CASE("ownership: assigning a network of another structure throws, names the difference and changes nothing") {
  Generator<> held = generator(1);
  const Generator<> before = held;
  Sgd<> optimizer(held.parameters(), {.learning_rate = 0.1});
  CHECK_THROWS_WITH(held = generator(2, 0.25, 9), ContainsSubstring("dense1.weight\" is 8x8, the other one's 9x9"));
  const auto network = [](auto... layers) { return Generator<>(3, Sequential<>(std::move(layers)...)); };
  CHECK_THROWS_WITH(held = network(Dense<>({.in = 3, .out = 4})), ContainsSubstring("a stack of 1 layers: it has 5"));
  CHECK_THROWS_WITH(
      held = network(Dense<>({.in = 3, .out = 5})),
      ContainsSubstring("network \"G\": cannot become a copy of \"G\": it maps 3 to 4, the other one 3 to 5"));
  Generator<> other_kind = network(Dense<>({.in = 3, .out = 4}), Tanh<>());
  CHECK_THROWS_WITH(other_kind = network(Dense<>({.in = 3, .out = 4}), Sigmoid<>()),
                    ContainsSubstring("tanh \"G.tanh1\": cannot become a copy of another kind of layer, sigmoid"));
  Generator<> plain = network(Dense<>({.in = 3, .out = 4}), Residual<>(Sequential<>(Tanh<>())));
  CHECK_THROWS_AS(plain = network(Dense<>({.in = 3, .out = 4}), Residual<>(Sequential<>(Dense<>({.in = 4, .out = 4})))),
                  Error);
  Discriminator<> one({4}, Sequential<>(Dense<>({.in = 4, .out = 1}))),
      heads({4}, Sequential<>(Dense<>({.in = 4, .out = 3})), "D", 2);
  CHECK_THROWS_AS(one = heads, Error);
  CHECK(one.heads() == 0);
  // A Sequential inside is no way around.
  CHECK_THROWS_AS(held.layers() = Sequential<>(Dense<>({.in = 3, .out = 4})), Error);
  CHECK(alike(held, before));
  step(held, optimizer);
}

TEST_CASE("ownership: layers have no assignment that leaves half of them behind") {
  static_assert(!std::is_assignable_v<Layer<>&, const Layer<>&>);
  static_assert(!std::is_assignable_v<Layer<>&, Layer<>&&>);
  Sequential<> empty;
  empty = Sequential<>(Dense<>({.in = 3, .out = 4}));
  CHECK(empty.size() == 1);
  CHECK_THROWS_WITH(empty[1], ContainsSubstring("expected the number of one of its 1 layers, got 1"));
  CHECK_THROWS_AS(std::as_const(empty)[-1], Error);
}

TEST_CASE("ownership: networks move into vectors and out of functions, with their parameters") {
  std::vector<Generator<>> all;
  all.push_back(generator(1));
  const Generator<> first = all[0];
  Sgd<> optimizer(all[0].parameters(), {.learning_rate = 0.1});
  const auto* place = all[0].parameters()[0];
  for (std::uint64_t seed = 2; seed < 20; ++seed) all.push_back(generator(seed));
  CHECK(all[0].parameters()[0] == place);
  CHECK(alike(all[0], first));
  step(all[0], optimizer);
  CHECK_FALSE(alike(all[0], first));
  std::swap(all[0], all[1]);
  CHECK(all[1].parameters()[0] == place);
  CHECK(alike(all[1], all[1]));
  step(all[1], optimizer);
  all.erase(all.begin());
  step(all[0], optimizer);
}

TEST_CASE("ownership: a network that was moved from says so at the next pass, and can be filled again") {
  Generator<> from = generator(1);
  const Generator<> before = from;
  const Tensor<> x = drawn({5, 3});
  Trace<> trace, other;
  const Tensor<> dy(from.forward(x, trace).shape(), 1.0f);
  Generator<> to = std::move(from);
  CHECK_THROWS_WITH(from.forward(x, other), "network: expected a network with layers, got one that was moved from");
  CHECK_THROWS_AS(from.infer(x, other), Error);
  CHECK_THROWS_AS(from.backward(trace, dy, {.input = true}), Error);
  CHECK_THROWS_AS(from.features(1, trace), Error);
  CHECK_THROWS_AS(to = from, Error);
  const Generator<> copy = from;
  CHECK_THROWS_AS(copy.infer(x, other), Error);
  CHECK_NOTHROW(to.backward(trace, dy, {.input = true}));  // the pass went with the layers
  from = before;
  CHECK(alike(from, before));
  CHECK(from.name() == "G");
}

TEST_CASE("ownership: traces cannot be copied, and move without being disturbed") {
  static_assert(!std::is_copy_constructible_v<Trace<>>);
  static_assert(!std::is_copy_assignable_v<Trace<>>);
  static_assert(std::is_nothrow_move_constructible_v<Trace<>>);
  static_assert(std::is_nothrow_move_assignable_v<Trace<>>);

  Generator<> network = generator(1);
  const Tensor<> x = drawn({5, 3}), dy = drawn({5, 4}, 2);
  Trace<> reference;
  Generator<> twin = network;
  twin.forward(x, reference);
  const Tensor<> dx = twin.backward(reference, dy, {.input = true});
  std::vector<Trace<>> traces;
  traces.emplace_back();
  const Tensor<>& y = network.forward(x, traces[0]);
  const Tensor<> then = y;
  for (int i = 0; i < 10; ++i) traces.emplace_back();
  CHECK(same(y, then));
  CHECK(same(network.backward(traces[0], dy, {.input = true}), dx));
  auto last = std::make_unique<Trace<>>(std::move(traces[0]));
  traces.clear();
  CHECK(same(network.backward(*last, dy, {.input = true}), dx));
  Trace<> target = std::move(*last);
  CHECK_THROWS_WITH(network.backward(*last, dy, {.input = true}),
                    ContainsSubstring("needs the trace of a forward pass"));
  last.reset();
  CHECK(same(network.backward(target, dy, {.input = true}), dx));
  network.forward(x, *(last = std::make_unique<Trace<>>()));
  target = std::move(*last);
  last.reset();
  CHECK_NOTHROW(network.backward(target, dy, {.input = true}));
}

TEST_CASE("ownership: the labels of a pass are kept by its trace") {
  Network<> network("D", {4},
                    Sequential<>(Embedding<>({.classes = 10, .features = 2}), Dense<>({.in = 6, .out = 11}),
                                 Projection<>({.classes = 10})));
  network.initialise(normal<>(0, 1), Random(1));
  const Tensor<> x = drawn({8, 4}), dy(Shape{8, 1}, 1.0f);
  using List = std::vector<Labels::value_type>;
  const List kept(8, 3);
  const auto gradients = [&](bool temporary) {
    Trace<> trace;
    for (auto* parameter : network.parameters()) parameter->grad.fill(0);
    if (temporary)
      network.forward(x, trace, List(8, 3));
    else
      network.forward(x, trace, kept);
    const List reuses_the_memory(8, 9);
    network.backward(trace, dy, {.parameters = true});
    return network.parameters()[0]->grad;
  };
  CHECK(same(gradients(true), gradients(false)));
}

TEST_CASE("ownership: what a network without any computation hands out does not end with its input") {
  const Network<> network("N", {2, 2}, Sequential<>(Flatten<>(), Dropout<>({.rate = 0.5})));
  Trace<> trace;
  std::optional<Tensor<>> x = Tensor<>({3, 2, 2}, 2.0f);
  const Tensor<>& y = network.infer(*x, trace);
  x.reset();
  CHECK(y.shape() == Shape{3, 4});
  CHECK((y.array() == 2).all());
}
