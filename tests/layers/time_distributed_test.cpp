#include "rival/layers/time_distributed.hpp"

#include <string>
#include <vector>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/pixel_norm.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/nn/network.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

Sequential<double> critic() {
  return Sequential<double>(Conv2d<double>({.in = 2, .out = 3, .kernel = 3, .padding = 1}), LeakyReLU<double>(0.2),
                            PixelNorm<double>(), Flatten<double>(), Dense<double>({.in = 36, .out = 4}));
}

}  // namespace

TEST_CASE("time_distributed: gradients and tangents") {
  test::check_gradients(TimeDistributed<double>(critic()), {2, 3, 3, 4, 2});
  test::check_gradients(TimeDistributed<double>(Sequential<double>(Dense<double>({.in = 3, .out = 2}))), {2, 5, 3});
  test::check_gradients(TimeDistributed<double>(Sequential<double>(Dropout<double>({.rate = 0.3}), Tanh<double>())),
                        {2, 3, 4});
  test::check_gradients(Sequential<double>(TimeDistributed<double>(critic()), LeakyReLU<double>(0.2),
                                           TimeDistributed<double>(
                                               Sequential<double>(Dense<double>({.in = 4, .out = 2}), Tanh<double>())),
                                           Flatten<double>(), Dense<double>({.in = 6, .out = 1})),
                        {2, 3, 3, 4, 2});
}

TEST_CASE("time_distributed: a clip's frames are images by themselves") {
  Sequential<float> inner(Conv2d<float>({.in = 2, .out = 3, .kernel = 3, .padding = 1}), LeakyReLU<float>(0.2));
  inner.initialise(normal<float>(0, 1), Random(3));
  TimeDistributed<float> layer(inner);
  Tensor<float> clips({2, 5, 4, 3, 2}), images({10, 4, 3, 2}), dx, dx_images;
  Random(1).fill_normal(clips);
  images.array() = clips.array();
  Trace<float> trace, trace_images;
  const Tensor<float>& y = layer.forward(clips, trace, {});
  const Tensor<float>& expected = inner.forward(images, trace_images, {});
  CHECK(y.shape() == Shape{2, 5, 4, 3, 3});
  CHECK((y.array() == expected.array()).all());
  Tensor<float> dy(y.shape()), dy_images(expected.shape());
  Random(2).fill_normal(dy);
  dy_images.array() = dy.array();
  layer.backward(trace, dy, &dx, {.parameters = true});
  inner.backward(trace_images, dy_images, &dx_images, {.parameters = true});
  CHECK(dx.shape() == clips.shape());
  CHECK((dx.array() == dx_images.array()).all());
  State<float> a, b;
  layer.collect(a);
  inner.collect(b);
  for (std::size_t i = 0; i < a.parameters.size(); ++i)
    CHECK((a.parameters[i]->grad.array() == b.parameters[i]->grad.array()).all());
}

TEST_CASE("time_distributed: a sample's label is that of each of its steps") {
  const TimeDistributed<float> layer(Sequential<float>(Embedding<float>({.classes = 3, .one_hot = true})));
  const Tensor<float> x({2, 2, 1}, 5.0f);
  const std::vector<Label> labels{2, 0};
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {.labels = labels});
  const float expected[] = {5, 0, 0, 1, 5, 0, 0, 1, 5, 1, 0, 0, 5, 1, 0, 0};
  REQUIRE(y.size() == 16);
  for (Index i = 0; i < 16; ++i) CHECK(y[i] == expected[i]);
}

TEST_CASE("time_distributed: in a network, with a state that is committed") {
  Network<float> network("N", {3, 4},
                         Sequential<float>(TimeDistributed<float>(
                             Sequential<float>(Dense<float>({.in = 4, .out = 2}), Dropout<float>()))));
  network.initialise(normal<float>(0, 1), Random(1));
  std::string names;
  for (const auto* parameter : network.parameters()) names += parameter->name + " ";
  CHECK(names == "N.steps1.dense1.weight N.steps1.dense1.bias ");
  const Tensor<float> x({2, 3, 4}, 1.0f);
  Trace<float> first, second;
  const Tensor<float> a = network.forward(x, first), b = network.forward(x, second);
  CHECK_FALSE((a.array() == b.array()).all());
  Network<float> copy = network;
  CHECK((copy.infer(x, first).array() == network.infer(x, second).array()).all());
}

TEST_CASE("time_distributed: the same bits on any number of threads") {
  rival_test::check_threads(
      TimeDistributed<float>(Sequential<float>(Conv2d<float>({.in = 3, .out = 20, .kernel = 3}), Tanh<float>())),
      {4, 7, 12, 12, 3});
}

TEST_CASE("time_distributed: misuse") {
  TimeDistributed<float> layer(Sequential<float>(Dense<float>({.in = 3, .out = 2})));
  layer.set_name("D.steps1");
  CHECK_THROWS_WITH(layer.output_shape({3}),
                    "time_distributed \"D.steps1\": expected sequences of samples, the steps "
                    "as their first axis, got 3");
  CHECK_THROWS_WITH(layer.output_shape({5, 4}), ContainsSubstring("expected vectors of 3, got 4"));
  const TimeDistributed<float> packed(Sequential<float>(Pack<float>(2)));
  Trace<float> trace;
  CHECK_THROWS_WITH(packed.forward(Tensor<float>({1, 4, 3}), trace, {}),
                    ContainsSubstring("a layer within makes one sample of several, which steps cannot do"));
}
