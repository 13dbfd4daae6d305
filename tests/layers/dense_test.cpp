#include "rival/layers/dense.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("dense: gradients") {
  for (const Index in : {1, 5, 17})
    for (const Index out : {1, 4, 19})
      for (const bool bias : {true, false})
        test::check_gradients(Dense<double>({.in = in, .out = out, .bias = bias}), {4, in});
}

TEST_CASE("dense: every output is a weighted sum of all inputs, and the bias") {
  Dense<double> layer({.in = 2, .out = 3});
  CHECK(layer.weight().value.shape() == Shape{2, 3});
  CHECK(layer.bias().value.shape() == Shape{3});
  layer.weight().value = Tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6});
  layer.bias().value = Tensor<double>({3}, {0.5, 0, -1});
  const Tensor<double> x({2, 2}, {1, 10, 2, -1});
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  const Tensor<double> expected({2, 3}, {41.5, 52, 62, -1.5, -1, -1});
  REQUIRE(y.shape() == expected.shape());
  for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == expected[i]);
}

TEST_CASE("dense: draws its weights by its fans from the stream of its name, and sets its bias to 0") {
  Dense<double> layer({.in = 30, .out = 20}), other({.in = 30, .out = 20});
  layer.set_name("a");
  other.set_name("b");
  for (auto* l : {&layer, &other}) {
    l->bias().value.fill(7);
    l->initialise(uniform_fan_in<double>(), Random(1));
    CHECK((l->bias().value.array() == 0).all());
    CHECK(l->weight().value.array().abs().maxCoeff() <= std::sqrt(1.0 / 30));
    CHECK(l->weight().value.array().abs().maxCoeff() > 0.9 * std::sqrt(1.0 / 30));
  }
  CHECK((layer.weight().value.array() != other.weight().value.array()).any());
  CHECK(layer.weight().name == "a.weight");
  CHECK(layer.bias().name == "a.bias");
}

TEST_CASE("dense: misuse") {
  CHECK_THROWS_WITH(Dense<double>({.out = 4}), ContainsSubstring("dense: expected a positive `in`, got 0"));
  CHECK_THROWS_WITH(Dense<double>({.in = 4, .out = -2}), ContainsSubstring("dense: expected a positive `out`, got -2"));
  Dense<double> layer({.in = 4, .out = 2});
  layer.set_name("D.dense1");
  CHECK(layer.output_shape({4}) == Shape{2});
  CHECK_THROWS_WITH(layer.output_shape({5}), ContainsSubstring("dense \"D.dense1\": expected vectors of 4, got 5"));
  CHECK_THROWS_WITH(layer.output_shape({2, 2, 1}), ContainsSubstring("expected vectors of 4, got 2x2x1"));
  Trace<double> trace;
  const Tensor<double> x({3, 5});
  CHECK_THROWS_WITH(layer.forward(x, trace, {}), ContainsSubstring("expected vectors of 4, got 5"));
}

TEST_CASE("dense: without a bias there is no such parameter") {
  Dense<double> layer({.in = 4, .out = 2, .bias = false});
  State<double> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 1);
  CHECK(state.parameters[0] == &layer.weight());
  CHECK(layer.bias().value.empty());
}
