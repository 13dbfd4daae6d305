#include "rival/layers/projection.hpp"

#include "conditional_values.hpp"
#include "gradient_check.hpp"
#include "rival/layers/sum_pool.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("projection: gradients") {
  test::check_gradients(Projection<double>({.classes = 4}), {4, 5}, {.labels = {2, 0, 2, 3}});
  test::check_gradients(Projection<double>({.classes = 1}), {3, 2}, {.labels = {0, 0, 0}});
}

TEST_CASE("sum pooling: gradients") {
  test::check_gradients(SumPool<double>(), {3, 5, 4, 2});
  test::check_gradients(SumPool<double>(), {4, 1, 3, 17});
}

TEMPLATE_TEST_CASE("projection and sum pooling have PyTorch's values", "", float, double) {
  using S = TestType;
  rival_test::check_values<S>(Projection<S>({.classes = 4}), "projection", rival_test::conditional_labels());
  rival_test::check_values<S>(SumPool<S>(), "sum_pool");
}

TEST_CASE("projection: refuses labels and inputs that do not fit") {
  Projection<double> layer({.classes = 3});
  layer.set_name("D.projection1");
  const Tensor<double> x({2, 4}), wide({2, 5});
  Trace<double> trace;
  const std::vector<Label> far{3, 0}, good{0, 2};
  CHECK_THROWS_WITH(layer.forward(x, trace, {}),
                    ContainsSubstring("projection \"D.projection1\": expected 2 labels, one a sample, got 0"));
  CHECK_THROWS_WITH(layer.forward(x, trace, {.labels = far}), ContainsSubstring("expected labels from 0 to 2, got 3"));
  CHECK_THROWS_WITH(layer.forward(wide, trace, {.labels = good}),
                    ContainsSubstring("expected vectors of 4, one more than classes, got 5"));
  CHECK_THROWS_WITH(Projection({}), ContainsSubstring("projection: expected 1 to 65536 classes, got 0"));
  CHECK_THROWS_WITH(Projection({.classes = 65537}),
                    ContainsSubstring("projection: expected 1 to 65536 classes, got 65537"));
  CHECK_THROWS_WITH(SumPool().output_shape({3}),
                    ContainsSubstring("sum_pool: expected images height x width x channels, got 3"));
}
