#include "rival/layers/conv2d.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"
#include "rival/layers/activations.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Case {
  Conv2dOptions options;
  Shape image;
  Shape output;
};

const Case cases[] = {
    {{.in = 2, .out = 3, .kernel = 1}, {4, 5, 2}, {4, 5, 3}},
    {{.in = 1, .out = 4, .kernel = 3, .padding = 1}, {4, 5, 1}, {4, 5, 4}},
    {{.in = 2, .out = 1, .kernel = {2, 3}, .stride = {1, 2}}, {5, 6, 2}, {4, 2, 1}},
    {{.in = 3, .out = 2, .kernel = {3, 1}, .stride = {2, 1}, .padding = {1, 0}}, {6, 4, 3}, {3, 4, 2}},
    {{.in = 1, .out = 9, .kernel = 4, .stride = 2, .padding = 1}, {8, 6, 1}, {4, 3, 9}},
    {{.in = 9, .out = 1, .kernel = 4, .stride = 2, .padding = 1}, {6, 8, 9}, {3, 4, 1}},
    // "Same" padding: a 5x5 kernel of stride 2 sees one row and column of zeros before and two behind.
    {{.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}, {8, 6, 2}, {4, 3, 3}},
    {{.in = 2, .out = 3, .kernel = 2, .padding = 0, .padding_end = Size2{1, 2}}, {3, 4, 2}, {3, 5, 3}},
    {{.in = 2, .out = 3, .kernel = 3, .stride = 3, .padding = {2, 0}, .padding_end = Size2{0, 1}},
     {5, 7, 2},
     {2, 2, 3}},
    {{.in = 2, .out = 3, .kernel = 2, .stride = 3}, {7, 6, 2}, {2, 2, 3}},  // some pixels are never read
    {{.in = 2, .out = 9, .kernel = 2, .stride = 2, .padding = 3},
     {3, 4, 2},
     {4, 5, 9}},  // some see nothing but padding
    {{.in = 2, .out = 3, .kernel = {3, 4}}, {3, 4, 2}, {1, 1, 3}},
    {{.in = 2, .out = 3, .kernel = 3, .padding = 1, .bias = false}, {3, 4, 2}, {3, 4, 3}},
};

}  // namespace

TEST_CASE("conv2d: gradients and output shapes for a table of kernels, strides and paddings") {
  for (const Case& c : cases) {
    Conv2d<double> layer(c.options);
    CHECK(layer.output_shape(c.image) == c.output);
    CHECK(layer.weight().value.shape() == Shape{c.options.kernel.h, c.options.kernel.w, c.options.in, c.options.out});
    test::check_gradients(layer, c.image.batch(3));
  }
}

TEST_CASE("conv2d: every output by the formula") {
  for (const Case& c : cases) {
    const Conv2dOptions& o = c.options;
    Conv2d<double> layer(o);
    Tensor<double> x(c.image.batch(3));
    Random random(2);
    random.fill_normal(x);
    random.fill_normal(layer.weight().value);
    random.fill_normal(layer.bias().value);
    Trace<double> trace;
    const Tensor<double>& y = layer.forward(x, trace, {});
    REQUIRE(y.shape() == c.output.batch(3));
    for (Index n = 0; n < 3; ++n)
      for (Index i = 0; i < y.dim(1); ++i)
        for (Index j = 0; j < y.dim(2); ++j)
          for (Index b = 0; b < o.out; ++b) {
            double sum = o.bias ? layer.bias().value[b] : 0;
            for (Index k = 0; k < o.kernel.h; ++k)
              for (Index l = 0; l < o.kernel.w; ++l) {
                const Index row = i * o.stride.h - o.padding.h + k, column = j * o.stride.w - o.padding.w + l;
                if (row < 0 || row >= x.dim(1) || column < 0 || column >= x.dim(2)) continue;
                for (Index a = 0; a < o.in; ++a) sum += x(n, row, column, a) * layer.weight().value(k, l, a, b);
              }
            CHECK(std::abs(y(n, i, j, b) - sum) < 1e-12);  // at most 144 products of order 1
          }
  }
}

TEST_CASE("conv2d: its fans are those of the kernel") {
  Conv2d<double> layer({.in = 3, .out = 7, .kernel = {2, 5}});
  layer.bias().value.fill(3);
  Fan fan{0, 0};
  layer.initialise([&](Tensor<double>&, Fan f, Random&) { fan = f; }, Random(1));
  CHECK(fan.in == 30);
  CHECK(fan.out == 70);
  CHECK((layer.bias().value.array() == 0).all());
}

TEST_CASE("conv2d: NaN goes through the leaky ReLU behind, to the pixels that see it") {
  for (const double slope : {0.0, 0.2}) {
    for (const Index out : {1, 20}) {
      Sequential<double> layers(Conv2d<double>({.in = 3, .out = out, .kernel = 3, .padding = 1}),
                                LeakyReLU<double>(slope));
      layers.initialise(normal<double>(0, 1), Random(1));
      Tensor<double> x({1, 4, 5, 3}, 1.0);
      x(0, 1, 1, 2) = std::numeric_limits<double>::quiet_NaN();
      Trace<double> trace;
      const Tensor<double>& y = layers.forward(x, trace, {});
      for (Index i = 0; i < 4; ++i)
        for (Index j = 0; j < 5; ++j)
          for (Index b = 0; b < out; ++b) CHECK(std::isnan(y(0, i, j, b)) == (i <= 2 && j <= 2));
    }
  }
}

TEST_CASE("conv2d: misuse") {
  CHECK_THROWS_WITH(Conv2d<double>({.out = 4}),
                    ContainsSubstring("conv2d: expected positive channels, got in 0, out 4"));
  CHECK_THROWS_WITH(Conv2d<double>({.in = 4}),
                    ContainsSubstring("conv2d: expected positive channels, got in 4, out 0"));
  CHECK_THROWS_WITH(Conv2d<double>({.in = 1, .out = 1, .kernel = {0, 3}}),
                    ContainsSubstring("conv2d: expected positive kernel and stride, got 0x3 and 1x1"));
  CHECK_THROWS_WITH(Conv2d<double>({.in = 1, .out = 1, .stride = 0}),
                    ContainsSubstring("expected positive kernel and stride, got 3x3 and 0x0"));
  CHECK_THROWS_WITH(Conv2d<double>({.in = 1, .out = 1, .padding = {0, -1}}),
                    ContainsSubstring("conv2d: expected padding >= 0, got 0x-1 and 0x-1"));
  CHECK_THROWS_WITH(Conv2d<double>({.in = 1, .out = 1, .padding_end = -2}),
                    ContainsSubstring("expected padding >= 0, got 0x0 and -2x-2"));

  Conv2d<double> layer(
      {.in = 64, .out = 128, .kernel = {5, 7}, .stride = 2, .padding = {1, 0}, .padding_end = Size2{2, 0}});
  layer.set_name("D.conv2");
  CHECK_THROWS_WITH(layer.output_shape({28, 28, 3}),
                    ContainsSubstring("conv2d \"D.conv2\": expected 64 channels, got 3"));
  CHECK_THROWS_WITH(layer.output_shape({784}),
                    ContainsSubstring("conv2d \"D.conv2\": expected images height x width x channels, got 784"));
  CHECK_THROWS_WITH(layer.output_shape({1, 9, 64}),
                    ContainsSubstring("conv2d \"D.conv2\": the kernel of 5x7 is larger than the padded image of 4x9"));
  CHECK_THROWS_WITH(layer.output_shape({9, 6, 64}), ContainsSubstring("larger than the padded image of 12x6"));
  CHECK(layer.output_shape({2, 7, 64}) == Shape{1, 1, 128});
  Trace<double> trace;
  const Tensor<double> x({2, 28, 28, 3});
  CHECK_THROWS_WITH(layer.forward(x, trace, {}), ContainsSubstring("expected 64 channels, got 3"));
}
