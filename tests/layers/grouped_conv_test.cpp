// Convolutions by groups: the kernels' own tests are in kernels/grouped_test.cpp.
#include <cmath>

#include "conditional_values.hpp"
#include "gradient_check.hpp"
#include "rival/layers/conv2d.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("grouped conv2d: gradients") {
  const Shape batch{3, 5, 4, 6};
  for (const Conv2dOptions& options :
       {Conv2dOptions{.in = 6, .out = 4, .kernel = 3, .padding = 1, .groups = 2},
        Conv2dOptions{.in = 6, .out = 6, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .groups = 6},
        Conv2dOptions{.in = 6, .out = 12, .kernel = 3, .stride = 2, .padding = 1, .bias = false, .groups = 6},
        Conv2dOptions{.in = 6, .out = 9, .kernel = 2, .stride = 3, .padding = 1, .padding_end = 2, .groups = 3},
        Conv2dOptions{.in = 6, .out = 3, .kernel = 1, .groups = 3}})
    test::check_gradients(Conv2d<double>(options), batch);
  test::check_gradients(Conv2d<double>({.in = 34, .out = 4, .kernel = {2, 3}, .stride = 2, .padding = 1, .groups = 2}),
                        {3, 3, 4, 34});
}

TEMPLATE_TEST_CASE("grouped conv2d has PyTorch's values", "", float, double) {
  using S = TestType;
  using rival_test::check_values;
  using Conv = Conv2d<S>;
  check_values<S>(Conv({.in = 6, .out = 4, .kernel = 3, .padding = 1, .groups = 2}), "conv_groups2");
  check_values<S>(Conv({.in = 34, .out = 4, .kernel = {2, 3}, .stride = {2, 1}, .padding = {0, 1}, .groups = 2}),
                  "conv_groups2_wide");
  check_values<S>(Conv({.in = 6, .out = 9, .kernel = 1, .bias = false, .groups = 3}), "conv_groups3_1x1");
  check_values<S>(Conv({.in = 11, .out = 11, .kernel = 3, .stride = 2, .padding = 1, .groups = 11}), "conv_depthwise");
  check_values<S>(Conv({.in = 5, .out = 10, .kernel = {3, 2}, .stride = {1, 2}, .padding = {2, 1}, .groups = 5}),
                  "conv_depthwise_multiplier");
}

TEST_CASE("grouped conv2d: the initialiser's fans are those of a group") {
  Conv2d<double> layer({.in = 16, .out = 32, .kernel = 5, .groups = 4});
  CHECK(layer.weight().value.shape() == Shape{5, 5, 4, 32});
  Fan fan{};
  layer.initialise([&](Tensor<double>&, Fan asked, Random&) { fan = asked; }, Random(1));
  CHECK(fan.in == 4 * 25);
  CHECK(fan.out == 8 * 25);
}

TEST_CASE("grouped conv2d: refuses groups that do not divide the channels") {
  CHECK_THROWS_WITH(Conv2d({.in = 6, .out = 4, .groups = 4}),
                    ContainsSubstring("conv2d: expected groups that divide in 6 and out 4, got 4"));
  CHECK_THROWS_WITH(Conv2d({.in = 6, .out = 4, .groups = 3}), ContainsSubstring("got 3"));
  CHECK_THROWS_WITH(Conv2d({.in = 6, .out = 4, .groups = 0}), ContainsSubstring("got 0"));
  CHECK_THROWS_WITH(Conv2d({.in = 6, .out = 4, .groups = -2}), ContainsSubstring("got -2"));
}
