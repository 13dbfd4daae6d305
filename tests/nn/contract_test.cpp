// Every door of a network that reads a pass: what it needs is there, or one line says what is missing.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "rival/gan/penalty.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/pixel_norm.hpp"
#include "rival/layers/residual.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Discriminator<> discriminator(Index width = 8) {
  Discriminator<> network(
      {4}, Sequential<>(Dense<>({.in = 4, .out = width}), LeakyReLU<>(0.2), Dense<>({.in = width, .out = 1})));
  network.initialise(he<>(), Random(2));
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

/// All the doors that go back through a pass of eight samples.
struct Door {
  std::string name;
  std::function<void(Discriminator<>&, Trace<>&)> open;
};
std::vector<Door> doors() {
  static const Tensor<> dy(Shape{8, 1}, 1.0f), dfeatures(Shape{8, 8}, 1.0f), tangent = drawn({8, 4}, 5);
  return {
      {"backward", [](auto& d, auto& t) { d.backward(t, dy, {.parameters = true, .input = true}); }},
      {"backward_from", [](auto& d, auto& t) { d.backward_from(2, t, dfeatures, {.input = true}); }},
      {"features", [](auto& d, auto& t) { d.features(2, t); }},
      {"backward_tangent", [](auto& d, auto& t) { d.backward_tangent(t, dy, nullptr, tangent); }},
      {"a gradient penalty", [](auto& d, auto& t) { GradientPenalty<>().backward(d, t, &dy, {}); }},
  };
}

}  // namespace

TEST_CASE("contract: each door refuses a trace that is not of a forward pass through the network") {
  const Tensor<> x = drawn({8, 4}), dy(Shape{8, 1}, 1.0f);
  for (const Door& door : doors()) {
    INFO(door.name);
    const auto refused =
        ContainsSubstring("network \"D\": " + door.name + " needs the trace of a forward pass through this network");
    Discriminator<> network = discriminator();
    {
      Trace<> fresh;
      CHECK_THROWS_WITH(door.open(network, fresh), refused);
    }
    {
      Trace<> inferred;
      network.infer(x, inferred);
      CHECK_THROWS_WITH(door.open(network, inferred), refused);
      network.forward(x, inferred);
      network.infer(x, inferred);
      CHECK_THROWS_WITH(door.open(network, inferred), refused);
    }
    for (Discriminator<> other : {discriminator(), discriminator(32), Discriminator<>(network)}) {
      Trace<> foreign;
      other.forward(x, foreign);
      other.backward(foreign, dy, {.input = true, .keep = true});
      CHECK_THROWS_WITH(door.open(network, foreign), refused);
      CHECK_NOTHROW(network.forward(x, foreign));  // and takes the trace for a pass of its own
      network.backward(foreign, dy, {.input = true, .keep = true});
      CHECK_NOTHROW(door.open(network, foreign));
    }
    {
      Trace<> failed;
      network.forward(x, failed);
      const Tensor<> wide = drawn({8, 5});
      CHECK_THROWS_AS(network.forward(wide, failed), Error);
    }
    {  // layers added after the pass
      Trace<> trace;
      network.forward(x, trace);
      network.layers().add(LeakyReLU<>(1));
      CHECK_THROWS_WITH(door.open(network, trace), refused);
    }
  }
}

TEST_CASE("contract: each door refuses an input that is no longer what it was in the pass") {
  for (const Door& door : doors()) {
    INFO(door.name);
    Discriminator<> network = discriminator();
    const Tensor<> dy(Shape{8, 1}, 1.0f);
    const auto after = [&](const auto& change) {
      Tensor<> x = drawn({8, 4});
      Trace<> trace;
      network.forward(x, trace);
      network.backward(trace, dy, {.input = true, .keep = true});
      change(x);
      CHECK_THROWS_WITH(door.open(network, trace), ContainsSubstring("needs the input of the forward pass, 8x4"));
    };
    after([](Tensor<>& x) { x.resize({3, 4}); });
    after([](Tensor<>& x) { x.resize({16, 4}); });
    after([](Tensor<>& x) { x.reshape({4, 8}); });
    after([](Tensor<>& x) { x = Tensor<>({8, 4}); });
    after([](Tensor<>& x) { const Tensor<> gone = std::move(x); });
  }
}

TEST_CASE("contract: gradients and tangents have the shapes of the pass") {
  Discriminator<> network = discriminator();
  const Tensor<> x = drawn({8, 4}), dy(Shape{8, 1}, 1.0f), df(Shape{8, 8}, 1.0f);
  Trace<> trace;
  network.forward(x, trace);
  for (const Shape& wrong : {Shape{8}, Shape{1, 1}, Shape{8, 2}, Shape{9, 1}, Shape{0, 1}, Shape{}}) {
    const Tensor<> bad(wrong);
    const std::string got = "got " + wrong.text();
    CHECK_THROWS_WITH(network.backward(trace, bad, {.input = true}),
                      ContainsSubstring("expected an output gradient of 8x1, " + got));
    CHECK_THROWS_WITH(network.backward_from(3, trace, bad, {.input = true}), ContainsSubstring("of 8x1, " + got));
    CHECK_THROWS_WITH(network.backward_from(2, trace, bad, {.input = true}),
                      ContainsSubstring("expected a gradient of features of 8x8, " + got));
    CHECK_THROWS_WITH(network.backward_from(0, trace, bad, {.input = true}), ContainsSubstring("of 8x4, " + got));
    network.backward(trace, dy, {.input = true, .keep = true});
    CHECK_THROWS_WITH(network.backward_tangent(trace, bad, nullptr, x),
                      ContainsSubstring("expected an output gradient of 8x1, " + got));
    CHECK_THROWS_WITH(network.backward_tangent(trace, dy, &bad, x),
                      ContainsSubstring("expected a tangent of the output gradient of 8x1, " + got));
    CHECK_THROWS_WITH(network.backward_tangent(trace, dy, nullptr, bad),
                      ContainsSubstring("expected a tangent of the input of 8x4, " + got));
    CHECK_THROWS_WITH(GradientPenalty<>().backward(network, trace, &bad, {}), ContainsSubstring(got));
  }
  for (const Index count : {Index{-1}, Index{4}}) {
    CHECK_THROWS_WITH(network.backward_from(count, trace, dy, {.input = true}), ContainsSubstring("expected 0 to 3"));
    CHECK_THROWS_WITH(network.features(count, trace), ContainsSubstring("expected features behind one of its 3"));
  }
  CHECK_THROWS_WITH(network.features(0, trace), ContainsSubstring("got 0"));
}

TEST_CASE("contract: tangents need a backward pass before them that kept what they read") {
  Discriminator<> network = discriminator();
  const Tensor<> x = drawn({8, 4}), dy = drawn({8, 1}, 2), df(Shape{8, 8}, 1.0f), tangent = drawn({8, 4}, 3);
  Trace<> trace;
  const auto refused = [&] {
    CHECK_THROWS_WITH(network.backward_tangent(trace, dy, nullptr, tangent),
                      ContainsSubstring("backward_tangent needs a `backward` before it that was asked to keep"));
  };
  network.forward(x, trace);
  refused();
  network.backward(trace, dy, {.parameters = true, .input = true});
  refused();
  network.backward(trace, dy, {.input = true, .keep = true});
  network.backward_from(2, trace, df, {.input = true});
  refused();
  network.backward(trace, dy, {.input = true, .keep = true});
  network.forward(x, trace);
  refused();
  CHECK_THROWS_WITH(network.backward_from(2, trace, df, {.input = true, .keep = true}),
                    ContainsSubstring("only a backward pass of all layers keeps"));

  // Whatever else is wanted, what is kept is whole.
  const auto gradients = [&](Wanted wanted) {
    network.forward(x, trace);
    network.backward(trace, dy, wanted);
    for (auto* parameter : network.parameters()) parameter->grad.fill(0);
    network.backward_tangent(trace, dy, nullptr, tangent);
    return network.parameters()[0]->grad;
  };
  const Tensor<> expected = gradients({.input = true, .keep = true});
  trace = Trace<>();
  CHECK(same(gradients({.keep = true}), expected));
  CHECK(network.backward(trace, dy, {.keep = true}).empty());
  trace = Trace<>();
  CHECK(same(gradients({.parameters = true, .keep = true}), expected));

  Discriminator<> curved({4}, Sequential<>(Dense<>({.in = 4, .out = 3}), PixelNorm<>(), Dense<>({.in = 3, .out = 1})));
  curved.initialise(he<>(), Random(1));
  Trace<> other;
  curved.forward(x, other);
  curved.backward(other, dy, {.input = true, .keep = true});
  CHECK_THROWS_WITH(curved.backward_tangent(other, dy, nullptr, tangent, true), ContainsSubstring("an affine pass"));
  CHECK_NOTHROW(curved.backward_tangent(other, dy, nullptr, tangent));
}

TEST_CASE("contract: features behind a nested Sequential are those of this pass") {
  const auto nested = [] {
    Discriminator<> network(
        {4}, Sequential<>(Sequential<>(Dense<>({.in = 4, .out = 8}), LeakyReLU<>(0.2)), Dense<>({.in = 8, .out = 1})));
    network.initialise(he<>(), Random(2));
    return network;
  };
  Discriminator<> flat = discriminator(), network = nested();
  for (std::size_t i = 0; i < 4; ++i) network.parameters()[i]->value = flat.parameters()[i]->value;
  Trace<> trace, reference;
  for (const Index rows : {8, 8, 3, 9}) {
    const Tensor<> x = drawn({rows, 4}, static_cast<std::uint64_t>(rows)), df = drawn({rows, 8}, 4);
    network.forward(x, trace);
    flat.forward(x, reference);
    CHECK(same(network.features(1, trace), flat.features(2, reference)));
    CHECK(same(network.backward_from(1, trace, df, {.parameters = true, .input = true}),
               flat.backward_from(2, reference, df, {.parameters = true, .input = true})));
    CHECK(same(network.parameters()[0]->grad, flat.parameters()[0]->grad));
  }
}

TEST_CASE("contract: an input or a gradient that lies in the trace of the pass is refused") {
  Network<> network("N", {4}, Sequential<>(Dense<>({.in = 4, .out = 4})));
  network.initialise(he<>(), Random(1));
  const Tensor<> x = drawn({3, 4});
  Trace<> trace, other;
  const Tensor<>& y = network.infer(x, trace);
  CHECK_THROWS_WITH(network.infer(y, trace), ContainsSubstring("expected an input outside of the trace"));
  CHECK_THROWS_AS(network.forward(trace.output, trace), Error);
  const Tensor<> once = y, twice = network.infer(y, other);
  CHECK(same(network.infer(once, trace), twice));

  network.forward(x, trace);
  const Tensor<>& dx = network.backward(trace, once, {.input = true});
  CHECK_THROWS_WITH(network.backward(trace, dx, {.input = true}),
                    ContainsSubstring("expected a gradient outside of the trace"));
  CHECK_THROWS_AS(network.forward(dx, trace), Error);
  // The same input, again and again, through layers that only look at it.
  const Network<> plain("P", {4}, Sequential<>(Pack<>(1), LeakyReLU<>(0.2)));
  for (int i = 0; i < 3; ++i) CHECK_NOTHROW(plain.infer(x, other));
}

TEST_CASE("contract: a pass that fails leaves nothing to go back through") {
  Network<> network("N", {4}, Sequential<>(Dense<>({.in = 4, .out = 4}), Pack<>(2)));
  network.initialise(he<>(), Random(1));
  const Tensor<> x = drawn({4, 4}), odd = drawn({5, 4}), dy(Shape{2, 8}, 1.0f);
  Trace<> trace;
  network.forward(x, trace);
  CHECK_THROWS_AS(network.forward(odd, trace), Error);
  CHECK_THROWS_WITH(network.backward(trace, dy, {.input = true}), ContainsSubstring("needs the trace of a forward"));
}
