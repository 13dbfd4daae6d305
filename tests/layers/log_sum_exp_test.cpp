#include "rival/layers/log_sum_exp.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;

TEST_CASE("log_sum_exp: gradients and tangents") {
  test::check_gradients(LogSumExp<double>(), {3, 5});
  test::check_gradients(LogSumExp<double>(), {4, 1});
  test::check_gradients(
      Sequential<double>(Dense<double>({.in = 3, .out = 7}), LogSumExp<double>(), Dense<double>({.in = 8, .out = 2})),
      {4, 3});
}

TEMPLATE_TEST_CASE("log_sum_exp: PyTorch's values, to second order", "", float, double) {
  rival_test::check_values<TestType>(LogSumExp<TestType>(), "log_sum_exp");
}

TEST_CASE("log_sum_exp: the same bits on any number of threads") {
  rival_test::check_threads(LogSumExp<float>(), {2000, 30});
}

TEST_CASE("log_sum_exp: finite for the largest numbers, and NaN for NaN") {
  const LogSumExp<float> layer;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> x({4, 2}, {1e30f, 1e30f, -1e30f, -1e30f, 90, -200, nan, 1});
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  CHECK(y(0, 0) == 1e30f);
  CHECK(y(1, 0) == -1e30f);
  CHECK(y(2, 0) == 90);
  CHECK(std::isnan(y(3, 0)));
  for (Index n = 0; n < 3; ++n)
    for (Index k = 0; k < 2; ++k) CHECK(y(n, 1 + k) == x(n, k));
}

TEST_CASE("log_sum_exp: expects vectors") {
  LogSumExp<float> layer;
  layer.set_name("D.lse1");
  CHECK(layer.output_shape({10}) == Shape{11});
  CHECK_THROWS_WITH(layer.output_shape({2, 5}), "log_sum_exp \"D.lse1\": expected vectors, got 2x5");
}
