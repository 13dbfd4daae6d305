#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv_transpose1d.hpp"

#include <memory>
#include <string>
#include <vector>

#include "gradient_check.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/equalised.hpp"
#include "rival/layers/spectral_norm.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Case {
  Conv1dOptions options;
  Shape signal, output;
};

const Case cases[] = {
    {{.in = 2, .out = 3, .kernel = 1}, {5, 2}, {5, 3}},
    {{.in = 1, .out = 9, .kernel = 25, .stride = 4, .padding = 11}, {16, 1}, {4, 9}},
    {{.in = 9, .out = 1, .kernel = 4, .stride = 2, .padding = 1}, {8, 9}, {4, 1}},
    {{.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}, {8, 2}, {4, 3}},
    {{.in = 2, .out = 3, .kernel = 2, .stride = 3}, {8, 2}, {3, 3}},
    {{.in = 4, .out = 6, .kernel = 3, .padding = 1, .bias = false, .groups = 2}, {5, 4}, {5, 6}},
};

struct TransposedCase {
  ConvTranspose1dOptions options;
  Shape signal, output;
};

const TransposedCase transposed_cases[] = {
    {{.in = 2, .out = 3, .kernel = 1}, {5, 2}, {5, 3}},
    {{.in = 9, .out = 1, .kernel = 25, .stride = 4, .padding = 11, .output_padding = 1}, {4, 9}, {16, 1}},
    {{.in = 1, .out = 9, .kernel = 4, .stride = 2, .padding = 1}, {3, 1}, {6, 9}},
    {{.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}, {4, 2}, {8, 3}},
    {{.in = 2, .out = 3, .kernel = 2, .stride = 3, .output_padding = 2, .bias = false}, {3, 2}, {10, 3}},
};

/// Whether all three passes of the two layers, of which the second takes the first's signals as images of one row, have
/// the same bits.
void check_same_bits(Weighted<float>& of_signals, Weighted<float>& of_images, const Shape& signals) {
  const Shape images{signals[0], 1, signals[1], signals[2]};
  Random random(3);
  of_signals.initialise(normal<float>(0, 1), random);
  random.fill_normal(of_signals.bias().value);
  REQUIRE(of_images.weight().value.size() == of_signals.weight().value.size());
  of_images.weight().value.array() = of_signals.weight().value.array();
  of_images.bias().value.array() = of_signals.bias().value.array();
  Tensor<float> x(signals), x_images(images), dx, dx_images;
  random.fill_normal(x);
  x_images.array() = x.array();
  Trace<float> trace, trace_images;
  const Tensor<float>& y = of_signals.forward(x, trace, {.slope = 0.2f});
  const Tensor<float>& y_images = of_images.forward(x_images, trace_images, {.slope = 0.2f});
  REQUIRE(y.size() == y_images.size());
  CHECK((y.array() == y_images.array()).all());
  Tensor<float> dy(y.shape()), dy_images(y_images.shape());
  random.fill_normal(dy);
  dy_images.array() = dy.array();
  of_signals.backward(trace, dy, &dx, {.parameters = true});
  of_images.backward(trace_images, dy_images, &dx_images, {.parameters = true});
  CHECK(dx.shape() == signals);
  CHECK((dx.array() == dx_images.array()).all());
  CHECK((of_signals.weight().grad.array() == of_images.weight().grad.array()).all());
  CHECK((of_signals.bias().grad.array() == of_images.bias().grad.array()).all());
}

}  // namespace

TEST_CASE("conv1d: gradients and output shapes for a table of kernels, strides and paddings") {
  for (const Case& c : cases) {
    Conv1d<double> layer(c.options);
    CHECK(layer.output_shape(c.signal) == c.output);
    CHECK(layer.weight().value.shape() == Shape{c.options.kernel, c.options.in / c.options.groups, c.options.out});
    CHECK(layer.weight().grad.shape() == layer.weight().value.shape());
    test::check_gradients(layer, c.signal.batch(3));
  }
}

TEST_CASE("conv_transpose1d: gradients and output shapes for a table of kernels, strides and paddings") {
  for (const TransposedCase& c : transposed_cases) {
    ConvTranspose1d<double> layer(c.options);
    CHECK(layer.output_shape(c.signal) == c.output);
    CHECK(layer.weight().value.shape() == Shape{c.options.kernel, c.options.in, c.options.out});
    test::check_gradients(layer, c.signal.batch(3));
  }
}

TEST_CASE("conv1d: the bits of images of one row") {
  Conv1d<float> conv({.in = 5, .out = 19, .kernel = 25, .stride = 4, .padding = 11});
  Conv2d<float> images({.in = 5, .out = 19, .kernel = {1, 25}, .stride = {1, 4}, .padding = {0, 11}});
  check_same_bits(conv, images, {7, 64, 5});
  ConvTranspose1d<float> conv_t({.in = 19, .out = 5, .kernel = 25, .stride = 4, .padding = 11, .output_padding = 1});
  ConvTranspose2d<float> images_t(
      {.in = 19, .out = 5, .kernel = {1, 25}, .stride = {1, 4}, .padding = {0, 11}, .output_padding = {0, 1}});
  check_same_bits(conv_t, images_t, {7, 16, 19});
  CHECK(conv.fan().in == images.fan().in);
  CHECK(conv_t.fan().out == images_t.fan().out);
}

TEST_CASE("conv1d: within wrappers") {
  const Conv1dOptions conv{.in = 2, .out = 3, .kernel = 4, .stride = 2, .padding = 1};
  const ConvTranspose1dOptions conv_t{.in = 2, .out = 3, .kernel = 4, .stride = 2, .padding = 1};
  // sigma's vectors are constants of the gradient: only where the power method has settled do differences agree.
  const test::GradientCheck settled{.modes = {Mode::train}, .step = 1e-4, .tolerance = 1e-5, .tangents = true};
  test::check_gradients(SpectralNorm(Conv1d<double>(conv), {.iterations = 300}), {3, 6, 2}, settled);
  test::check_gradients(SpectralNorm(ConvTranspose1d<double>(conv_t), {.iterations = 300}), {3, 4, 2}, settled);
  test::check_gradients(Equalised(Conv1d<double>(conv)), {3, 6, 2});
  test::check_gradients(Equalised(ConvTranspose1d<double>(conv_t)), {3, 4, 2});
}

TEST_CASE("conv1d: names, copies and fusion") {
  Conv1d<float> layer({.in = 2, .out = 3});
  layer.set_name("D.conv1");
  CHECK(layer.short_name() == "conv");
  CHECK(layer.weight().name == "D.conv1.weight");
  const auto copy = layer.clone();
  copy->assign(layer);
  CHECK(copy->describe() == layer.describe());
  CHECK(layer.fuses_activation());
  CHECK(layer.gates_input());
  CHECK(layer.fuses_channel_map());
  CHECK(ConvTranspose1d<float>({.in = 2, .out = 3}).short_name() == "convT");
}

TEST_CASE("conv1d: misuse") {
  using Layer = Conv1d<double>;
  CHECK_THROWS_WITH(Layer({.out = 4}), ContainsSubstring("conv1d: expected positive channels, got in 0, out 4"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .kernel = -1}),
                    ContainsSubstring("conv1d: expected positive kernel and stride, got -1 and 1"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .padding = -2}),
                    ContainsSubstring("conv1d: expected padding >= 0, got -2 and -2"));
  CHECK_THROWS_WITH(Layer({.in = 3, .out = 4, .groups = 2}),
                    ContainsSubstring("conv1d: expected groups that divide in 3 and out 4, got 2"));
  Layer layer({.in = 4, .out = 2, .kernel = 5, .padding = 1});
  layer.set_name("D.conv1");
  CHECK_THROWS_WITH(layer.output_shape({7, 7, 4}),
                    ContainsSubstring("conv1d \"D.conv1\": expected signals length x channels, got 7x7x4"));
  CHECK_THROWS_WITH(layer.output_shape({7, 3}), ContainsSubstring("conv1d \"D.conv1\": expected 4 channels, got 3"));
  CHECK_THROWS_WITH(layer.output_shape({2, 4}),
                    ContainsSubstring("conv1d \"D.conv1\": the kernel of 5 is longer than the padded signal of 4"));
  Trace<double> trace;
  CHECK_THROWS_WITH(layer.forward(Tensor<double>({2, 7, 3}), trace, {}), ContainsSubstring("expected 4 channels"));

  using Transposed = ConvTranspose1d<double>;
  CHECK_THROWS_WITH(Transposed({.out = 4}),
                    ContainsSubstring("conv_transpose1d: expected positive channels, got in 0, out 4"));
  CHECK_THROWS_WITH(Transposed({.in = 1, .out = 1, .stride = 2, .output_padding = 2}),
                    ContainsSubstring("conv_transpose1d: expected 0 <= output_padding < stride 2, got 2"));
  Transposed transposed({.in = 4, .out = 2, .kernel = 3, .padding = 2});
  transposed.set_name("G.convT1");
  CHECK_THROWS_WITH(transposed.output_shape({2, 4}),
                    ContainsSubstring("conv_transpose1d \"G.convT1\": the padding leaves nothing of a signal of 2"));
  CHECK_THROWS_WITH(transposed.output_shape({100}), ContainsSubstring("expected signals length x channels, got 100"));
}
