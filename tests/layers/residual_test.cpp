#include "rival/layers/residual.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "gradient_check.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/concat.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/nn/network.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival::test::check_gradients;

Conv2d<double> conv(Index in, Index out, Index kernel = 3) {
  return Conv2d<double>({.in = in, .out = out, .kernel = kernel, .padding = kernel / 2});
}
Sequential<double> bent() { return Sequential<double>(conv(2, 3), Tanh<double>(), conv(3, 2), SiLU<double>()); }
Sequential<double> straight(Index out = 2) {
  return Sequential<double>(LeakyReLU<double>(0.2), conv(2, 3), LeakyReLU<double>(0.2), conv(3, out));
}
const Shape images{3, 3, 4, 2};

template <class S>
Tensor<S> drawn(const Shape& shape, std::uint64_t seed) {
  Tensor<S> x(shape);
  Random(seed).fill_normal(x);
  return x;
}

}  // namespace

TEST_CASE("residual: gradients with an identity as skip") {
  check_gradients(Residual<double>(straight()), images);
  check_gradients(Residual<double>(bent()), images);
  check_gradients(Residual<double>(bent(), {.scale = 0.6}), images);
  check_gradients(Residual<double>(straight(), {.scale = -1.5}), images);
  check_gradients(Residual<double>(Sequential<double>()), images);
  check_gradients(Residual<double>(Sequential<double>(Tanh<double>())), {4, 3});
  check_gradients(Residual<double>(Sequential<double>(Dropout<double>({.rate = 0.4}))), {4, 3});
}

TEST_CASE("residual: gradients with layers in both branches") {
  const auto skip = [](Index out) { return Sequential<double>(conv(2, out, 1)); };
  check_gradients(Residual<double>(straight(4), skip(4)), images);
  check_gradients(Residual<double>(straight(4), skip(4), {.scale = 0.7}), images);
  check_gradients(Residual<double>(bent(), Sequential<double>(Sigmoid<double>())), images);
  check_gradients(Residual<double>(Sequential<double>(AvgPool2d<double>(), conv(2, 5)),
                                   Sequential<double>(conv(2, 5, 1), AvgPool2d<double>())),
                  {3, 4, 6, 2});
  check_gradients(Residual<double>(Sequential<double>(), skip(2)), images);
}

TEST_CASE("residual: gradients of blocks in blocks, in a stack, and next to leaky ReLUs") {
  const Residual<double> inner(bent(), {.scale = 0.5});
  check_gradients(Residual<double>(Sequential<double>(inner, conv(2, 2), inner), Sequential<double>(inner)), images);
  check_gradients(
      Sequential<double>(conv(2, 2), LeakyReLU<double>(0.3), Residual<double>(straight()), LeakyReLU<double>(0.2),
                         Residual<double>(bent(), Sequential<double>(conv(2, 2, 1))), ReLU<double>(),
                         Residual<double>(straight(), {.scale = 0.7}), conv(2, 1)),
      images);
  check_gradients(Residual<double>(Sequential<double>(conv(2, 2), BatchNorm<double>({.features = 2}))), images,
                  {.tangents = false});
}

TEST_CASE("concat skip: gradients") {
  check_gradients(ConcatSkip<double>(straight(4)), images);
  check_gradients(ConcatSkip<double>(bent(), Sequential<double>(conv(2, 5, 1))), images);
  check_gradients(ConcatSkip<double>(Sequential<double>(ConcatSkip<double>(bent()), conv(4, 3)), bent()), images);
  check_gradients(Sequential<double>(Dense<double>({.in = 5, .out = 3}), LeakyReLU<double>(0.2),
                                     ConcatSkip<double>(Sequential<double>(Dense<double>({.in = 3, .out = 2}))),
                                     LeakyReLU<double>(0.2), Dense<double>({.in = 5, .out = 1})),
                  {4, 5});
}

TEST_CASE("concat skip: the skip's channels come first") {
  Sequential<float> twice(Dense<float>({.in = 2, .out = 1, .bias = false}));
  ConcatSkip<float> layer(twice);
  State<float> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 1);
  state.parameters[0]->value = Tensor<float>({2, 1}, {10, 100});
  const Tensor<float> x({2, 2}, {1, 2, 3, 4});
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  const Tensor<float> expected({2, 3}, {1, 2, 210, 3, 4, 430});
  CHECK(y.shape() == expected.shape());
  CHECK((y.array() == expected.array()).all());
}

TEST_CASE("residual: is the scaled sum of its branches") {
  const Residual<double> layer(straight(), bent(), {.scale = 1 / std::sqrt(2.0)});
  const Tensor<double> x = drawn<double>(images, 3);
  Trace<double> whole, main, skip;
  const Tensor<double>& y = layer.forward(x, whole, {});
  const Tensor<double>&a = layer.main().forward(x, main, {}), &b = layer.skip().forward(x, skip, {});
  CHECK((y.array() - (a.array() + b.array()) / std::sqrt(2.0)).abs().maxCoeff() < 1e-14);
}

TEST_CASE("residual: names its layers by the branch they stand in") {
  Network<double> net(
      "D", {3, 4, 2},
      Sequential<double>(Residual<double>(straight()), Residual<double>(bent(), Sequential<double>(conv(2, 2, 1))),
                         ConcatSkip<double>(straight())));
  std::vector<std::string> names;
  for (const auto* parameter : net.parameters()) names.push_back(parameter->name);
  REQUIRE(names.size() == 14);
  CHECK(names[0] == "D.res1.main.conv1.weight");
  CHECK(names[3] == "D.res1.main.conv2.bias");
  CHECK(names[8] == "D.res2.skip.conv1.weight");
  CHECK(names[10] == "D.concat1.main.conv1.weight");
  CHECK(net.output_shape() == Shape{3, 4, 4});

  // Without a name of its own too, no two layers share one.
  Residual<double> layer(straight(), straight());
  State<double> state;
  layer.collect(state);
  CHECK(state.parameters[0]->name == "main.conv1.weight");
  CHECK(state.parameters[4]->name == "skip.conv1.weight");
}

TEST_CASE("residual: a copy has weights of its own, and commit reaches both branches") {
  Residual<double> layer(Sequential<double>(Dropout<double>()), Sequential<double>(BatchNorm<double>({.features = 2})));
  layer.set_name("res");
  layer.initialise(normal<double>(), Random(1));
  const auto copy = layer.clone();
  State<double> state, other;
  layer.collect(state);
  copy->collect(other);
  REQUIRE(state.streams.size() == 1);
  REQUIRE(state.buffers.size() == 2);
  const auto before = state.streams[0].second->position();
  const Tensor<double> x = drawn<double>({5, 2}, 1);
  Trace<double> trace;
  layer.forward(x, trace, {});
  CHECK(state.streams[0].second->position() == before);
  layer.commit(trace);
  CHECK(state.streams[0].second->position() != before);
  CHECK(state.buffers[0]->value[0] != 0);
  CHECK(other.streams[0].second->position() == before);
  CHECK(other.buffers[0]->value[0] == 0);
}

TEST_CASE("residual: infer folds and keeps its value, and leaves no way back") {
  Network<double> net("D", {3, 4, 2},
                      Sequential<double>(Residual<double>(Sequential<double>(
                                             conv(2, 2), BatchNorm<double>({.features = 2}), LeakyReLU<double>(0.2))),
                                         LeakyReLU<double>(0.1)));
  net.initialise(normal<double>(0, 0.5), Random(4));
  for (auto* buffer : net.buffers()) Random(2).fill_uniform(buffer->value, 0.5, 1.5);
  const Tensor<double> x = drawn<double>(images, 3);
  Trace<double> trace, reference;
  const Tensor<double> expected = net.layers().forward(x, reference, {.mode = Mode::eval});
  CHECK((net.infer(x, trace).array() - expected.array()).abs().maxCoeff() < 1e-13);
  const Tensor<double> dy(images, 1.0);
  CHECK_THROWS_WITH(net.layers()[0].backward(trace.children[0], dy, nullptr, {.parameters = true}),
                    ContainsSubstring("sequential \"D.res1.main\": backward needs"));
}

TEST_CASE("residual: the same bits on any number of threads") {
  const auto run = [](int count) {
    const int before = threads();
    set_threads(count);
    Residual<float> layer(
        Sequential<float>(Conv2d<float>({.in = 8, .out = 8, .kernel = 3, .padding = 1}), Tanh<float>()),
        Sequential<float>(Conv2d<float>({.in = 8, .out = 8, .kernel = 1})), {.scale = 0.7});
    layer.initialise(normal<float>(0, 0.3), Random(2));
    const Tensor<float> x = drawn<float>({16, 20, 20, 8}, 1), dy = drawn<float>({16, 20, 20, 8}, 2);
    Trace<float> trace;
    Tensor<float> dx;
    const Tensor<float> y = layer.forward(x, trace, {});
    layer.backward(trace, dy, &dx, {.parameters = true});
    set_threads(before);
    return std::pair(y, dx);
  };
  const auto one = run(1), three = run(3);
  CHECK((one.first.array() == three.first.array()).all());
  CHECK((one.second.array() == three.second.array()).all());
}

TEST_CASE("residual: refuses branches of different shapes") {
  Residual<double> layer(straight(3));
  layer.set_name("D.res1");
  CHECK_THROWS_WITH(layer.output_shape({5, 4, 2}),
                    "residual \"D.res1\": expected branches of the same shape, got 5x4x3 from "
                    "the main one and 5x4x2 from the skip");
  const ConcatSkip<double> concat{Sequential<double>(AvgPool2d<double>())};
  CHECK_THROWS_WITH(concat.output_shape({4, 4, 2}),
                    "concat_skip: expected branches that differ in their channels alone, got "
                    "2x2x2 from the main one and 4x4x2 from the skip");
  CHECK_THROWS_WITH(ConcatSkip<double>(Sequential<double>(Flatten<double>())).output_shape({4, 4, 2}),
                    ContainsSubstring("got 32 from the main one and 4x4x2 from the skip"));
}
