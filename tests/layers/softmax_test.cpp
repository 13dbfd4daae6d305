#include "rival/layers/softmax.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Softmax<float> named(const SoftmaxOptions& options, std::uint64_t seed = 5) {
  Softmax<float> layer(options);
  layer.set_name("G.softmax1");
  layer.initialise(normal<float>(), Random(seed));
  return layer;
}

bool equal(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && (a.array() == b.array()).all();
}

}  // namespace

TEST_CASE("softmax: gradients and tangents") {
  test::check_gradients(Softmax<double>(), {3, 5});
  test::check_gradients(Softmax<double>({.temperature = 0.6}), {2, 4, 7});
  test::check_gradients(Softmax<double>({.temperature = 2}), {2, 2, 3, 3});
  test::check_gradients(Softmax<double>({.temperature = 0.7, .gumbel = true}), {3, 4, 5});
  test::check_gradients(
      Sequential<double>(Dense<double>({.in = 3, .out = 5}), Softmax<double>(), Dense<double>({.in = 5, .out = 2})),
      {4, 3});
}

TEMPLATE_TEST_CASE("softmax: PyTorch's values, to second order", "", float, double) {
  rival_test::check_values<TestType>(Softmax<TestType>(), "softmax_vector");
  rival_test::check_values<TestType>(Softmax<TestType>({.temperature = 0.5}), "softmax_image");
}

TEST_CASE("softmax: probabilities, whatever the inputs") {
  const Softmax<float> layer;
  const Tensor<float> x({3, 3}, {1e30f, 1e30f, -1e30f, -200, -200, -200, 0, 90, -90});
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  const float expected[] = {0.5f, 0.5f, 0, 1 / 3.0f, 1 / 3.0f, 1 / 3.0f, 0, 1, 0};
  for (Index i = 0; i < 9; ++i) CHECK(std::abs(y[i] - expected[i]) < 1e-6f);
}

TEST_CASE("softmax: NaN stays NaN, hard or soft") {
  for (const bool hard : {false, true}) {
    const Softmax<float> layer = named({.straight_through = hard});
    const Tensor<float> x({2, 3}, {0, std::nanf(""), 1, 1, 2, 3});
    Trace<float> trace;
    const Tensor<float>& y = layer.forward(x, trace, {});
    CHECK(y.array().segment(0, 3).isNaN().any());
    CHECK(y.array().segment(3, 3).isFinite().all());
  }
}

TEST_CASE("softmax: draws with Gumbel noise choose by the probabilities, whatever the temperature") {
  const double temperature = GENERATE(0.3, 2.0);
  const Softmax<float> layer = named({.temperature = temperature, .gumbel = true, .straight_through = true});
  // The softmax of these is 0.1, 0.2, 0.7.
  Tensor<float> x({20000, 3});
  for (Index i = 0; i < x.size(); ++i) x[i] = std::log(i % 3 == 0 ? 0.1f : i % 3 == 1 ? 0.2f : 0.7f);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  double counts[3] = {};
  for (Index r = 0; r < y.rows(); ++r) {
    const float* row = y.data() + 3 * r;
    if (row[0] + row[1] + row[2] != 1) FAIL("a row is no choice");
    for (int k = 0; k < 3; ++k) {
      if (row[k] != 0 && row[k] != 1) FAIL("got " << row[k]);
      counts[k] += row[k];
    }
  }
  const double probabilities[] = {0.1, 0.2, 0.7};
  for (int k = 0; k < 3; ++k) {
    const double p = probabilities[k];
    CHECK(std::abs(counts[k] / 20000 - p) < 5 * std::sqrt(p * (1 - p) / 20000));
  }
}

TEST_CASE("softmax: straight through is hard forward, and soft backward") {
  const SoftmaxOptions options{.temperature = 0.5, .gumbel = true};
  SoftmaxOptions hardened = options;
  hardened.straight_through = true;
  Softmax<float> soft = named(options), hard = named(hardened);
  Tensor<float> x({4, 3, 5}), dy(x.shape()), dx_soft, dx_hard;
  Random(1).fill_normal(x);
  Random(2).fill_normal(dy);
  Trace<float> of_soft, of_hard;
  const Tensor<float>& p = soft.forward(x, of_soft, {});
  const Tensor<float>& y = hard.forward(x, of_hard, {});
  for (Index r = 0; r < y.rows(); ++r) {
    Index largest = 0;
    for (Index k = 0; k < 5; ++k)
      if (p[5 * r + k] > p[5 * r + largest]) largest = k;
    for (Index k = 0; k < 5; ++k) CHECK(y[5 * r + k] == (k == largest ? 1 : 0));
  }
  soft.backward(of_soft, dy, &dx_soft, {});
  hard.backward(of_hard, dy, &dx_hard, {});
  CHECK(equal(dx_soft, dx_hard));
  CHECK_THROWS_WITH(hard.curvature(),
                    "softmax \"G.softmax1\": has no tangents with `straight_through`, whose output is a step");
  CHECK_THROWS_WITH(hard.forward_tangent(x, of_hard, {}), ContainsSubstring("has no tangents"));
}

TEST_CASE("softmax: evaluation is without noise, soft, and of the temperature that is set") {
  Softmax<float> layer = named({.temperature = 0.5, .gumbel = true, .straight_through = true});
  Tensor<float> x({4, 5});
  Random(1).fill_normal(x);
  Trace<float> trace, plain_trace;
  const Softmax<float> plain;
  CHECK_FALSE(equal(layer.forward(x, trace, {.mode = Mode::eval}), plain.forward(x, plain_trace, {})));
  layer.commit(trace);
  State<float> state;
  layer.collect(state);
  CHECK(state.streams.at(0).second->position() == Random(5).stream("G.softmax1").position());
  layer.set_temperature(1);
  CHECK(equal(layer.forward(x, trace, {.mode = Mode::eval}), plain.forward(x, plain_trace, {})));
  CHECK(std::get<double>(layer.describe().options[0].second) == 1.0);
}

TEST_CASE("softmax: a pass leaves the stream alone until it is committed") {
  Softmax<float> layer = named({.gumbel = true});
  State<float> state;
  layer.collect(state);
  REQUIRE(state.streams.size() == 1);
  CHECK(state.streams[0].first == "G.softmax1");
  Random& stream = *state.streams[0].second;
  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{7, 1, 3}}) {
    const Tensor<float> x(shape, 1.0f);
    Trace<float> first, again, next;
    layer.forward(x, first, {});
    CHECK(equal(layer.forward(x, again, {}), first.output));
    Random copy = stream;
    Tensor<float> noise(shape);
    copy.fill_uniform(noise);
    layer.commit(first);
    CHECK(stream.position() == copy.position());
    if (shape.back() > 1) CHECK_FALSE(equal(layer.forward(x, next, {}), first.output));
  }
  State<float> none;
  Softmax<float> plain;
  plain.collect(none);
  CHECK(none.streams.empty());
}

TEST_CASE("softmax: the same bits on any number of threads") {
  rival_test::check_threads(Softmax<float>(), {64, 32, 27});
  rival_test::check_threads(Softmax<float>({.temperature = 0.5, .gumbel = true}), {64, 32, 27});
  rival_test::check_threads(Softmax<float>(), {41, 5000});
}

TEST_CASE("softmax: refuses bad options and inputs") {
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")})
    CHECK_THROWS_WITH(Softmax<double>({.temperature = bad}),
                      ContainsSubstring("softmax: expected a positive, finite `temperature`, got "));
  Softmax<float> layer;
  layer.set_name("G.softmax1");
  CHECK_THROWS_WITH(layer.set_temperature(-2), "softmax: expected a positive, finite `temperature`, got -2");
  CHECK(layer.options().temperature == 1);
  CHECK_THROWS_WITH(layer.output_shape({3, 0}), "softmax \"G.softmax1\": expected samples with a last axis, got 3x0");
}
