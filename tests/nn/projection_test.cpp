#include "rival/nn/projection.hpp"

#include <cmath>

#include "conditional_values.hpp"
#include "gradient_check.hpp"
#include "rival/nn/sum_pool.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("projection: gradients") {
  for (const Index in : {1, 5, 19})
    test::check_gradients(Projection<double>({.in = in, .classes = 4}), {5, in}, {.labels = {2, 0, 2, 1}});
}

TEST_CASE("sum pooling: gradients") {
  test::check_gradients(SumPool<double>(), {3, 5, 4, 2});
  test::check_gradients(SumPool<double>(), {4, 1, 3, 17});
}

TEMPLATE_TEST_CASE("projection and sum pooling have PyTorch's values", "", float, double) {
  using S = TestType;
  rival_test::check_values<S>(Projection<S>({.in = 5, .classes = 4}), "projection", rival_test::conditional_labels());
  rival_test::check_values<S>(SumPool<S>(), "sum_pool");
}

TEST_CASE("projection: weight and table come from the initialiser, with the inputs as their fan, the bias is 0") {
  Projection<double> layer({.in = 30, .classes = 20});
  layer.set_name("D.projection1");
  layer.bias().value.fill(7);
  layer.initialise(uniform_fan_in<double>(), Random(1));
  CHECK(layer.bias().value[0] == 0);
  for (auto* parameter : {&layer.weight(), &layer.table()}) {
    CHECK(parameter->value.array().abs().maxCoeff() <= std::sqrt(1.0 / 30));
    CHECK(parameter->value.array().abs().maxCoeff() > 0.8 * std::sqrt(1.0 / 30));
  }
  CHECK(layer.weight().value[0] != layer.table().value[0]);
  CHECK(layer.table().name == "D.projection1.table");
}

TEST_CASE("projection: refuses labels and inputs that do not fit") {
  Projection<double> layer({.in = 4, .classes = 3});
  layer.set_name("D.projection1");
  const Tensor<double> x({2, 4}), wide({2, 5});
  Trace<double> trace;
  const std::vector<std::uint8_t> far{3, 0}, good{0, 2};
  CHECK_THROWS_WITH(layer.forward(x, trace, {}), ContainsSubstring("projection \"D.projection1\": expected 2 labels, one a sample, got 0"));
  CHECK_THROWS_WITH(layer.forward(x, trace, {.labels = far}), ContainsSubstring("expected labels from 0 to 2, got 3"));
  CHECK_THROWS_WITH(layer.forward(wide, trace, {.labels = good}), ContainsSubstring("expected vectors of 4, got 5"));
  CHECK_THROWS_WITH(Projection({.classes = 3}), ContainsSubstring("projection: expected a positive `in`, got 0"));
  CHECK_THROWS_WITH(Projection({.in = 3}), ContainsSubstring("projection: expected 1 to 256 classes, got 0"));
  CHECK_THROWS_WITH(SumPool().output_shape({3}), ContainsSubstring("sum_pool: expected images height x width x channels, got 3"));
}
