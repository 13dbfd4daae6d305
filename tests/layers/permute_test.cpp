#include "rival/layers/permute.hpp"

#include "gradient_check.hpp"
#include "norm_values.hpp"

using namespace rival;

TEST_CASE("permute: gradients and tangents") {
  test::check_gradients(Permute<double>({.order = {1, 2, 0, 3}}), {3, 4, 5, 2, 3});
  test::check_gradients(Permute<double>({.order = {2, 0, 1}}), {2, 3, 4, 5});
  test::check_gradients(Permute<double>({.order = {1, 0}}), {3, 5, 4});
  test::check_gradients(Permute<double>({.order = {0}}), {3, 5});
}

TEST_CASE("permute: each number is where its place in the other order is") {
  const Permute<float> layer({.order = {2, 0, 3, 1}});
  Tensor<float> x({2, 3, 4, 5, 6});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  Trace<float> trace;
  const auto& y = layer.forward(x, trace, {});
  REQUIRE(y.shape() == Shape{2, 5, 3, 6, 4});
  for (Index n = 0; n < 2; ++n)
    for (Index a = 0; a < 3; ++a)
      for (Index b = 0; b < 4; ++b)
        for (Index c = 0; c < 5; ++c)
          for (Index d = 0; d < 6; ++d) CHECK(y(n, c, a, d, b) == x(n, a, b, c, d));
}

TEST_CASE("permute: the same bits on one thread and on three") {
  rival_test::check_threads(Permute<float>({.order = {1, 2, 0, 3}}), {16, 8, 32, 32, 1});
}

TEST_CASE("permute: what is no order, and samples of other ranks, are refused") {
  CHECK_THROWS_WITH(Permute<>({.order = {0, 2}}), "permute: expected each axis from 0 to 1 once, got 0x2");
  CHECK_THROWS_WITH(Permute<>({.order = {1, 1}}), "permute: expected each axis from 0 to 1 once, got 1x1");
  CHECK_THROWS_WITH(Permute<>({}), "permute: expected an order of at least 1 axis, got none");
  Permute<> layer({.order = {1, 0}});
  layer.set_name("D.permute1");
  CHECK_THROWS_WITH(layer.output_shape({2, 3, 4}), "permute \"D.permute1\": expected samples of 2 axes, got 2x3x4");
}
