#include "rival/nn/conditional_batch_norm.hpp"

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("conditional_batch_norm: gradients, in training through the batch's moments and in evaluation without") {
  const test::GradientCheck check{.tangents = false, .labels = {1, 0, 3, 1}};
  test::check_gradients(ConditionalBatchNorm<double>({.features = 3, .classes = 4}), {3, 2, 4, 3}, check);
  test::check_gradients(ConditionalBatchNorm<double>({.features = 5, .classes = 5, .epsilon = 0.5}), {7, 5}, check);
  test::check_gradients(ConditionalBatchNorm<double>({.features = 1, .classes = 4}), {4, 3, 2, 1}, check);
}
