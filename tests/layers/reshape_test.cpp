#include "rival/layers/reshape.hpp"

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("reshape and flatten: gradients") {
  rival::test::check_gradients(Flatten<double>(), {3, 5, 7, 2});
  rival::test::check_gradients(Reshape<double>({5, 2, 7}), {3, 70});
}

TEST_CASE("reshape and flatten: a window on the input, in the same order") {
  const Tensor<float> x({2, 2, 3, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  Trace<float> flat, shaped;
  const auto& y = Flatten().forward(x, flat, {});
  CHECK(y.shape() == Shape{2, 6});
  CHECK(y.data() == x.data());
  CHECK(y(1, 2) == 8);
  const auto& z = Reshape({3, 1, 2}).forward(y, shaped, {});
  CHECK(z.shape() == Shape{2, 3, 1, 2});
  CHECK(z.data() == x.data());
  CHECK(z(1, 2, 0, 1) == 11);
}

TEST_CASE("reshape: sizes that do not fit") {
  Reshape layer({7, 7, 256});
  layer.set_name("G.reshape1");
  CHECK(layer.output_shape({12544}) == Shape{7, 7, 256});
  CHECK_THROWS_WITH(layer.output_shape({100}), ContainsSubstring("reshape \"G.reshape1\": cannot make 7x7x256 of 100: "
                                                                 "expected 12544 elements, got 100"));
}
