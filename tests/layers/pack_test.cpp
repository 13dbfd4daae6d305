#include "rival/layers/pack.hpp"

#include "conditional_values.hpp"
#include "gradient_check.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/nn/network.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("pack: gradients") {
  for (const Index count : {1, 2, 3}) {
    test::check_gradients(Pack<double>(count), {6, 3, 4, 2}, {.pack = count});
    test::check_gradients(Pack<double>(count), {6, 5}, {.pack = count});
  }
}

TEMPLATE_TEST_CASE("pack has PyTorch's values", "", float, double) {
  using S = TestType;
  rival_test::check_values<S>(Pack<S>(3), "pack");
  rival_test::check_values<S>(Pack<S>(2), "pack_vector");
}

TEST_CASE("pack: a network that packs gives fewer scores than samples, and gradients for every sample") {
  Sequential<double> layers(Pack<double>(2), Flatten<double>(), Dense<double>({.in = 24, .out = 1}));
  test::check_gradients(layers, {4, 2, 3, 2}, {.pack = 2});
  Network<double> network("D", {2, 3, 2}, std::move(layers));
  Tensor<double> x({4, 2, 3, 2});
  Random(1).fill_normal(x);
  Trace<double> trace;
  CHECK(network.forward(x, trace).shape() == Shape{2, 1});
  CHECK(network.backward(trace, Tensor<double>({2, 1}, 1.0), {.input = true}).shape() == x.shape());
  CHECK_THROWS_WITH(network.backward(trace, Tensor<double>({4, 1}, 1.0), {.input = true}),
                    ContainsSubstring("expected an output gradient of 2x1, got 4x1"));
}

TEST_CASE("pack: refuses a batch that it cannot divide, and counts below 1") {
  Pack<double> layer(3);
  layer.set_name("D.pack1");
  Trace<double> trace;
  const Tensor<double> x({4, 2});
  CHECK_THROWS_WITH(layer.forward(x, trace, {}),
                    ContainsSubstring("pack \"D.pack1\": expected a batch of a multiple of 3 samples, got 4"));
  CHECK_THROWS_WITH(Pack(0), ContainsSubstring("pack: expected a count >= 1, got 0"));
}
