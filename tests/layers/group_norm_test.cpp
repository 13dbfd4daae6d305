#include "rival/layers/group_norm.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/layer_norm.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::check_threads;
using rival_test::check_values;

TEST_CASE(
    "group_norm, instance_norm, layer_norm: gradients and tangents, of images and vectors, with and without weights") {
  for (const bool affine : {true, false}) {
    test::check_gradients(GroupNorm<double>({.groups = 2, .features = 6, .affine = affine}), {3, 2, 3, 6});
    test::check_gradients(GroupNorm<double>({.groups = 3, .features = 9, .epsilon = 0.3, .affine = affine}), {4, 9});
    test::check_gradients(GroupNorm<double>({.groups = 1, .features = 1, .affine = affine}), {3, 3, 2, 1});
    test::check_gradients(GroupNorm<double>({.groups = 1, .features = 2, .affine = affine}),
                          {3, 7, 2});  // sound: length x C
    test::check_gradients(InstanceNorm<double>({.features = 3, .affine = affine}), {3, 3, 5, 3});
    test::check_gradients(InstanceNorm<double>({.features = 2, .epsilon = 0.5, .affine = affine}), {3, 1, 5, 2});
    test::check_gradients(LayerNorm<double>({.features = 3, .affine = affine}), {3, 5, 2, 3});
    test::check_gradients(LayerNorm<double>({.features = 7, .epsilon = 0.01, .affine = affine}), {5, 7});
  }
}

TEST_CASE("group_norm: gradients and tangents of more pixels and channels than a block holds") {
  test::check_gradients(GroupNorm<double>({.groups = 1, .features = 1}), {3, 19, 7, 1});  // 133 pixels
  test::check_gradients(GroupNorm<double>({.groups = 13, .features = 130}), {3, 130});    // 130 channels
  test::check_gradients(LayerNorm<double>({.features = 131}), {3, 131});
}

TEST_CASE("group_norm: gradients and tangents within a stack that fuses its neighbours") {
  Sequential<double> net(Conv2d<double>({.in = 2, .out = 4, .kernel = 3, .padding = 1}), LeakyReLU<double>(0.3),
                         GroupNorm<double>({.groups = 2, .features = 4}), LeakyReLU<double>(0.2),
                         Conv2d<double>({.in = 4, .out = 2, .kernel = 2}), LayerNorm<double>({.features = 2}));
  test::check_gradients(net, {3, 4, 3, 2});
}

TEMPLATE_TEST_CASE("group_norm, instance_norm, layer_norm: PyTorch's values, to second order", "", float, double) {
  using S = TestType;
  check_values<S>(GroupNorm<S>({.groups = 3, .features = 6}), "group_norm_image");
  check_values<S>(GroupNorm<S>({.groups = 4, .features = 12}), "group_norm_vector");
  check_values<S>(GroupNorm<S>({.groups = 2, .features = 6, .epsilon = 0.1, .affine = false}), "group_norm_plain");
  check_values<S>(InstanceNorm<S>({.features = 6}), "instance_norm");
  check_values<S>(InstanceNorm<S>({.features = 6, .affine = true}), "instance_norm_affine");
  check_values<S>(LayerNorm<S>({.features = 12}), "layer_norm_vector");
  check_values<S>(LayerNorm<S>({.features = 6}), "layer_norm_image");
}

TEST_CASE("group_norm: the kinds differ in their groups alone, and training and evaluation not at all") {
  Tensor<double> x({3, 2, 5, 6});
  Random(1).fill_normal(x, 3.0, 2.0);
  const auto output = [&](const Layer<double>& layer, Mode mode = Mode::train) {
    Trace<double> trace;
    return layer.forward(x, trace, {.mode = mode});
  };
  const auto same = [](const Tensor<double>& a, const Tensor<double>& b) { return (a.array() == b.array()).all(); };
  const GroupNorm<double> one({.groups = 1, .features = 6}), two({.groups = 2, .features = 6}),
      six({.groups = 6, .features = 6});
  CHECK(same(output(LayerNorm<double>({.features = 6})), output(one)));
  CHECK(same(output(InstanceNorm<double>({.features = 6})), output(six)));
  CHECK_FALSE(same(output(two), output(one)));
  CHECK(same(output(two, Mode::eval), output(two)));
}

TEST_CASE("group_norm: floats far from zero keep their digits") {
  Tensor<float> x({2, 16, 16, 4});
  Random(1).fill_normal(x, 1e4f, 1.0f);
  Trace<float> trace;
  const Tensor<float>& y = GroupNorm<float>({.groups = 2, .features = 4}).forward(x, trace, {});
  double mean = 0, square = 0;
  for (Index i = 0; i < y.size(); ++i)
    mean += static_cast<double>(y[i]), square += std::pow(static_cast<double>(y[i]), 2);
  const auto count = static_cast<double>(y.size());
  CHECK(std::abs(mean / count) < 2e-3);  // the group's mean, a number of order 1e4, is rounded once
  CHECK(std::abs(square / count - 1) < 1e-3);
}

TEST_CASE("group_norm: a sample that never changes becomes its bias, with finite gradients and tangents") {
  LayerNorm<double> layer({.features = 3});
  layer.bias().value = Tensor<double>({3}, {0.25, -1, 2});
  const Tensor<double> x({2, 3}, 7.0), dy({2, 3}, {1, 2, 3, 4, 5, 6});
  Trace<double> trace;
  Tensor<double> dx, dx_tangent;
  const Tensor<double>& y = layer.forward(x, trace, {});
  for (Index i = 0; i < 6; ++i) CHECK(std::abs(y[i] - layer.bias().value[i % 3]) < 1e-12);
  layer.backward(trace, dy, &dx, {.parameters = true});
  CHECK(dx.array().isFinite().all());
  CHECK(layer.forward_tangent(dx, trace, {}).array().isFinite().all());
  layer.backward_tangent(trace, dy, nullptr, &dx_tangent, {});
  CHECK(dx_tangent.array().isFinite().all());
}

TEST_CASE("group_norm: NaN spoils its own group and no other") {
  Tensor<double> x({2, 2, 2, 4});
  Random(1).fill_normal(x);
  x(1, 0, 1, 2) = std::numeric_limits<double>::quiet_NaN();
  Trace<double> trace;
  for (const double slope : {1.0, 0.0}) {
    const Tensor<double>& y = GroupNorm<double>({.groups = 2, .features = 4}).forward(x, trace, {.slope = slope});
    for (Index i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i >= y.size() / 2 && i % 4 >= 2));
  }
}

TEST_CASE("group_norm: the same bits on any number of threads") {
  check_threads(GroupNorm<float>({.groups = 4, .features = 32}), {16, 14, 14, 32});
  check_threads(InstanceNorm<float>({.features = 31}), {13, 14, 14, 31});
  check_threads(LayerNorm<float>({.features = 1030}), {201, 1030});
}

TEST_CASE("group_norm: its state, names and initial values; without weights it has none") {
  GroupNorm<double> layer({.groups = 1, .features = 3});
  layer.set_name("D.gn1");
  State<double> state;
  layer.collect(state);
  REQUIRE(state.parameters.size() == 2);
  CHECK(state.buffers.empty());
  CHECK(state.parameters[0]->name == "D.gn1.weight");
  CHECK(state.parameters[1]->name == "D.gn1.bias");
  for (auto* parameter : state.parameters) parameter->value.fill(9);
  layer.initialise(normal<double>(), Random(1));
  CHECK((layer.weight().value.array() == 1).all());
  CHECK((layer.bias().value.array() == 0).all());
  CHECK(layer.has_parameters());

  InstanceNorm<double> plain({.features = 3});
  State<double> nothing;
  plain.collect(nothing);
  CHECK(nothing.parameters.empty());
  CHECK_FALSE(plain.has_parameters());
  CHECK(InstanceNorm<double>({.features = 3, .affine = true}).has_parameters());
  CHECK(LayerNorm<double>({.features = 3}).has_parameters());

  Sequential<double> net(GroupNorm<double>({.groups = 1, .features = 2}), InstanceNorm<double>({.features = 2}),
                         LayerNorm<double>({.features = 2}));
  net.set_name("D");
  CHECK(net[0].name() == "D.gn1");
  CHECK(net[1].name() == "D.in1");
  CHECK(net[2].name() == "D.ln1");
  CHECK(net[1].clone()->kind() == "instance_norm");
}

TEST_CASE("group_norm, instance_norm, layer_norm: refuses bad options and inputs") {
  CHECK_THROWS_WITH(GroupNorm<double>({.groups = 1}),
                    ContainsSubstring("group_norm: expected positive `features`, got 0"));
  CHECK_THROWS_WITH(GroupNorm<double>({.groups = 4, .features = 6}),
                    ContainsSubstring("group_norm: expected `groups` that divide the 6 features, got 4"));
  CHECK_THROWS_WITH(GroupNorm<double>({.features = 6}), ContainsSubstring("divide the 6 features, got 0"));
  CHECK_THROWS_WITH(GroupNorm<double>({.groups = -2, .features = 6}),
                    ContainsSubstring("divide the 6 features, got -2"));
  CHECK_THROWS_WITH(GroupNorm<double>({.groups = 2, .features = 6, .epsilon = 0}),
                    ContainsSubstring("group_norm: expected a positive `epsilon`, got 0"));
  CHECK_THROWS_WITH(InstanceNorm<double>({}), ContainsSubstring("instance_norm: expected positive `features`, got 0"));
  CHECK_THROWS_WITH(LayerNorm<double>({.features = 3, .epsilon = std::nan("")}),
                    ContainsSubstring("layer_norm: expected a positive `epsilon`, got nan"));

  GroupNorm<double> layer({.groups = 2, .features = 4});
  layer.set_name("D.gn1");
  CHECK_THROWS_WITH(layer.output_shape({4, 4, 3}),
                    ContainsSubstring("group_norm \"D.gn1\": expected 4 features on the last axis, got 4x4x3"));
  Trace<double> trace;
  const Tensor<double> wrong({5, 3}), vectors({5, 4}), pixels({2, 1, 1, 4});
  CHECK_THROWS_WITH(layer.forward(wrong, trace, {}), ContainsSubstring("expected 4 features on the last axis, got 3"));
  const InstanceNorm<double> instance({.features = 4});
  CHECK_THROWS_WITH(
      instance.forward(vectors, trace, {}),
      ContainsSubstring("instance_norm: expected more than one value to normalise together, got 4 in 4 groups"));
  CHECK_THROWS_WITH(instance.forward(pixels, trace, {}), ContainsSubstring("got 1x1x4 in 4 groups"));
  CHECK_THROWS_WITH(LayerNorm<double>({.features = 1}).output_shape({1}), ContainsSubstring("got 1 in 1 group"));
}
