#include "rival/nn/minibatch_stddev.hpp"

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("minibatch_stddev: gradients, of images and vectors, of batches that are multiples of the group and others") {
  const test::GradientCheck check{.tangents = false};
  test::check_gradients(MinibatchStddev<double>(), {8, 2, 3, 3}, check);
  test::check_gradients(MinibatchStddev<double>({.group = 3}), {7, 3, 2, 1}, check);
  test::check_gradients(MinibatchStddev<double>({.group = 2, .epsilon = 0.1}), {5, 4}, check);
  test::check_gradients(MinibatchStddev<double>({.group = 5}), {3, 4}, check);
}
