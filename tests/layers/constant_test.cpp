#include "rival/layers/constant.hpp"

#include <cmath>

#include "conditional_values.hpp"
#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("basis: gradients") {
  test::check_gradients(Basis<double>({.in = 5, .shape = {2, 3, 4}}), {3, 5});
  test::check_gradients(Basis<double>({.in = 1, .shape = {4, 1, 17}}), {4, 1});
}

TEMPLATE_TEST_CASE("basis has PyTorch's values", "", float, double) {
  using S = TestType;
  rival_test::check_values<S>(Basis<S>({.in = 5, .shape = {2, 3, 4}}), "basis");
}

TEST_CASE("basis: the image is normal with variance 1, the weights come from the initialiser") {
  Basis<double> layer({.in = 30, .shape = {8, 8, 60}});
  layer.set_name("G.basis1");
  CHECK(layer.basis().name == "G.basis1.basis");
  CHECK(layer.weight().name == "G.basis1.weight");
  layer.initialise(normal<double>(0, 0.02), Random(1));
  CHECK(std::abs(layer.basis().value.array().square().mean() - 1) < 0.1);
  CHECK(std::abs(layer.weight().value.array().square().mean() - 0.0004) < 0.00005);
}

TEST_CASE("basis: the same bits on any number of threads") {
  const int before = threads();
  Tensor<float> x({48, 64}), dy({48, 4, 4, 96}), dx1, dx3;
  Random(1).fill_normal(x);
  Random(2).fill_normal(dy);
  Basis<float> one({.in = 64, .shape = {4, 4, 96}});
  one.initialise(normal<float>(), Random(1));
  Basis<float> three = one;
  Trace<float> trace;
  set_threads(1);
  const Tensor<float> y = one.forward(x, trace, {});
  one.backward(trace, dy, &dx1, {.parameters = true});
  set_threads(3);
  CHECK(rival_test::difference(three.forward(x, trace, {}), y) == 0);
  three.backward(trace, dy, &dx3, {.parameters = true});
  set_threads(before);
  CHECK(rival_test::difference(dx3, dx1) == 0);
  CHECK(rival_test::difference(three.basis().grad, one.basis().grad) == 0);
  CHECK(rival_test::difference(three.weight().grad, one.weight().grad) == 0);
}

TEST_CASE("basis: refuses sizes and inputs that do not fit") {
  CHECK_THROWS_WITH(Basis({.shape = {4, 4, 8}}), ContainsSubstring("basis: expected a positive `in`, got 0"));
  CHECK_THROWS_WITH(Basis({.in = 4, .shape = {4, 4}}),
                    ContainsSubstring("basis: expected a shape height x width x channels, got 4x4"));
  CHECK_THROWS_WITH(Basis({.in = 4, .shape = {4, 0, 8}}), ContainsSubstring("got 4x0x8"));
  Basis layer({.in = 4, .shape = {4, 4, 8}});
  layer.set_name("G.basis1");
  CHECK_THROWS_WITH(layer.output_shape({5}), ContainsSubstring("basis \"G.basis1\": expected vectors of 4, got 5"));
}
