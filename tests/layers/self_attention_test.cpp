#include "rival/layers/self_attention.hpp"

#include "conditional_values.hpp"
#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("self-attention: gradients") {
  const test::GradientCheck options{.scale = 1, .tangents = false};
  test::check_gradients(SelfAttention<double>({.in = 8}), {3, 2, 3, 8}, options);
  test::check_gradients(SelfAttention<double>({.in = 5, .keys = 3, .values = 9}), {3, 3, 4, 5}, options);
  test::check_gradients(SelfAttention<double>({.in = 1}), {4, 1, 1, 1}, options);
}

TEMPLATE_TEST_CASE("self-attention has PyTorch's values", "", float, double) {
  using S = TestType;
  rival_test::check_values<S>(SelfAttention<S>({.in = 16}), "attention");
  rival_test::check_values<S>(SelfAttention<S>({.in = 3}), "attention_narrow");
  rival_test::check_values<S>(SelfAttention<S>({.in = 5, .keys = 3, .values = 5}), "attention_given");
}

TEST_CASE("self-attention: at first the layer passes its input on") {
  SelfAttention<float> layer({.in = 32});
  layer.set_name("D.attention1");
  CHECK(layer.options().keys == 4);
  CHECK(layer.options().values == 16);
  CHECK(layer.gamma().name == "D.attention1.gamma");
  layer.gamma().value.fill(1);
  layer.initialise(normal<float>(), Random(1));
  Tensor<float> x({2, 4, 5, 32});
  Random(2).fill_normal(x);
  Trace<float> trace;
  CHECK(rival_test::difference(layer.forward(x, trace, {}), x) == 0);
}

TEST_CASE("self-attention: large scores do not overflow") {
  SelfAttention<float> layer({.in = 8});
  layer.initialise(normal<float>(0, 1), Random(1));
  layer.gamma().value.fill(1);
  Tensor<float> x({2, 3, 3, 8});
  Random(2).fill_normal(x, 0.0f, 100.0f);
  Trace<float> trace;
  Tensor<float> dx;
  CHECK(layer.forward(x, trace, {}).array().isFinite().all());
  layer.backward(trace, x, &dx, {.parameters = true});
  CHECK(dx.array().isFinite().all());
}

TEST_CASE("self-attention: the same bits on any number of threads") {
  const int before = threads();
  Tensor<float> x({4, 16, 16, 64}), dy(x.shape()), dx1, dx3;
  Random(1).fill_normal(x);
  Random(2).fill_normal(dy);
  SelfAttention<float> one({.in = 64});
  one.initialise(normal<float>(0, 0.1), Random(1));
  one.gamma().value.fill(0.5f);
  SelfAttention<float> three = one;
  Trace<float> trace;
  set_threads(1);
  const Tensor<float> y = one.forward(x, trace, {});
  one.backward(trace, dy, &dx1, {.parameters = true});
  set_threads(3);
  CHECK(rival_test::difference(three.forward(x, trace, {}), y) == 0);
  three.backward(trace, dy, &dx3, {.parameters = true});
  set_threads(before);
  CHECK(rival_test::difference(dx3, dx1) == 0);
  State<float> a, b;
  one.collect(a);
  three.collect(b);
  for (std::size_t p = 0; p < a.parameters.size(); ++p)
    CHECK(rival_test::difference(b.parameters[p]->grad, a.parameters[p]->grad) == 0);
}

TEST_CASE("self-attention: refuses channels that do not fit, and gradient penalties") {
  SelfAttention<float> layer({.in = 8});
  layer.set_name("D.attention1");
  CHECK_THROWS_WITH(layer.output_shape({4, 4, 7}),
                    ContainsSubstring("self_attention \"D.attention1\": expected images of 8 channels, got 4x4x7"));
  CHECK_THROWS_WITH(layer.output_shape({8}), ContainsSubstring("got 8"));
  CHECK_THROWS_WITH(layer.curvature(), ContainsSubstring("a gradient penalty needs the tangents"));
  CHECK_THROWS_WITH(SelfAttention({.keys = 2}),
                    ContainsSubstring("self_attention: expected positive channels, got in 0, keys 2, values 0"));
}
