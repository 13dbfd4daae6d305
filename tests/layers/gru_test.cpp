#include "rival/layers/gru.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("gru: gradients and tangents through time") {
  test::check_gradients(GRU<double>({.in = 3, .hidden = 4}), {2, 5, 3});
  test::check_gradients(GRU<double>({.in = 2, .hidden = 3, .last = true}), {3, 4, 2});
  test::check_gradients(GRU<double>({.in = 3, .hidden = 1}), {1, 1, 3});
  test::check_gradients(GRU<double>({.in = 1, .hidden = 5, .last = true}), {2, 1, 1});
  test::check_gradients(
      Sequential<double>(GRU<double>({.in = 2, .hidden = 3}), LeakyReLU<double>(0.2),
                         GRU<double>({.in = 3, .hidden = 4, .last = true}), Dense<double>({.in = 4, .out = 1})),
      {3, 3, 2});
}

TEST_CASE("gru: the state by its formula, step by step") {
  const Index n = 3, steps = 4, in = 2, hidden = 3;
  GRU<double> layer({.in = in, .hidden = hidden});
  State<double> state;
  layer.collect(state);
  Random random(1);
  for (auto* parameter : state.parameters) random.fill_normal(parameter->value);
  const Tensor<double>&w = state.parameters[0]->value, &u = state.parameters[1]->value, &b = state.parameters[2]->value,
        &d = state.parameters[3]->value;
  Tensor<double> x({n, steps, in});
  random.fill_normal(x);
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  REQUIRE(y.shape() == Shape{n, steps, hidden});
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  for (Index s = 0; s < n; ++s) {
    std::vector<double> h(hidden, 0.0);
    for (Index t = 0; t < steps; ++t) {
      const auto from = [&](const Tensor<double>& weight, const Tensor<double>& bias, Index gate, auto input,
                            Index count) {
        double sum = bias[gate];
        for (Index i = 0; i < count; ++i) sum += input(i) * weight(i, gate);
        return sum;
      };
      const auto x_t = [&](Index i) { return x(s, t, i); };
      const auto h_t = [&](Index i) { return h[static_cast<std::size_t>(i)]; };
      std::vector<double> next(hidden);
      for (Index i = 0; i < hidden; ++i) {
        const double r = sigmoid(from(w, b, i, x_t, in) + from(u, d, i, h_t, hidden));
        const double z = sigmoid(from(w, b, hidden + i, x_t, in) + from(u, d, hidden + i, h_t, hidden));
        const double m = std::tanh(from(w, b, 2 * hidden + i, x_t, in) + r * from(u, d, 2 * hidden + i, h_t, hidden));
        next[static_cast<std::size_t>(i)] = (1 - z) * m + z * h_t(i);
      }
      h = next;
      for (Index i = 0; i < hidden; ++i) CHECK(std::abs(y(s, t, i) - h_t(i)) < 1e-13);
    }
  }
}

TEST_CASE("gru: the last state alone is the last of all") {
  GRU<float> all({.in = 4, .hidden = 7}), last({.in = 4, .hidden = 7, .last = true});
  State<float> of_all, of_last;
  all.collect(of_all);
  last.collect(of_last);
  for (std::size_t i = 0; i < of_all.parameters.size(); ++i) {
    Random(i).fill_normal(of_all.parameters[i]->value);
    of_last.parameters[i]->value = of_all.parameters[i]->value;
  }
  Tensor<float> x({5, 6, 4});
  Random(1).fill_normal(x);
  Trace<float> trace_all, trace_last;
  const Tensor<float>&y = all.forward(x, trace_all, {}), &end = last.forward(x, trace_last, {});
  REQUIRE(end.shape() == Shape{5, 7});
  for (Index n = 0; n < 5; ++n)
    for (Index i = 0; i < 7; ++i) CHECK(end(n, i) == y(n, 5, i));
}

TEST_CASE("gru: gates that are far out saturate") {
  GRU<float> layer({.in = 1, .hidden = 2});
  State<float> state;
  layer.collect(state);
  for (auto* parameter : state.parameters) parameter->value.fill(1);
  Trace<float> trace;
  Tensor<float> dx;
  const Tensor<float> x({2, 3, 1}, {1e30f, -1e30f, 1e30f, -1e30f, 1e30f, 0}), dy({2, 3, 2}, 1.0f);
  CHECK(layer.forward(x, trace, {}).array().isFinite().all());
  CHECK(trace.output.array().abs().maxCoeff() <= 1);
  layer.backward(trace, dy, &dx, {});
  CHECK(dx.array().isFinite().all());
}

TEST_CASE("gru: names, initial weights and copies") {
  GRU<float> layer({.in = 3, .hidden = 4});
  layer.set_name("G.gru1");
  Fan fans[2] = {{0, 0}, {0, 0}};
  int drawn = 0;
  layer.initialise([&](Tensor<float>&, Fan fan, Random&) { fans[drawn++] = fan; }, Random(1));
  CHECK(drawn == 2);
  CHECK((fans[0].in == 3 && fans[0].out == 4 && fans[1].in == 4 && fans[1].out == 4));
  State<float> state;
  layer.collect(state);
  std::string names;
  for (const auto* parameter : state.parameters) names += parameter->name + " ";
  CHECK(names == "G.gru1.weight_ih_l0 G.gru1.weight_hh_l0 G.gru1.bias_ih_l0 G.gru1.bias_hh_l0 ");
  const auto copy = layer.clone();
  copy->assign(layer);
  CHECK(copy->describe() == layer.describe());
}

TEST_CASE("gru: the same bits on any number of threads") {
  rival_test::check_threads(GRU<float>({.in = 33, .hidden = 130}), {64, 5, 33});
  rival_test::check_threads(GRU<float>({.in = 33, .hidden = 130, .last = true}), {64, 5, 33});
}

TEST_CASE("gru: misuse") {
  CHECK_THROWS_WITH(GRU<float>({.in = 3}), "gru: expected positive `in` and `hidden`, got 3 and 0");
  CHECK_THROWS_WITH(GRU<float>({.in = 3, .hidden = Index{1} << 62}),
                    ContainsSubstring("gru: expected a `hidden` of at most 2147483648, got "));
  GRU<float> layer({.in = 3, .hidden = 4});
  layer.set_name("G.gru1");
  CHECK_THROWS_WITH(layer.output_shape({3}), "gru \"G.gru1\": expected sequences steps x features, got 3");
  CHECK_THROWS_WITH(layer.output_shape({5, 2}), "gru \"G.gru1\": expected 3 features, got 2");
  CHECK_THROWS_WITH(layer.output_shape({0, 3}), ContainsSubstring("expected at least one step, got 0x3"));
}
