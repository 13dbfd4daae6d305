#include "rival/layers/conv_transpose2d.hpp"

#include <cmath>

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Case {
  ConvTranspose2dOptions options;
  Shape image;
  Shape output;
};

const Case cases[] = {
    {{.in = 2, .out = 3, .kernel = 1}, {3, 4, 2}, {3, 4, 3}},
    {{.in = 5, .out = 3, .kernel = {4, 3}}, {1, 1, 5}, {4, 3, 3}},
    {{.in = 3, .out = 1, .kernel = 4, .stride = 2, .padding = 1}, {3, 4, 3}, {6, 8, 1}},
    {{.in = 1, .out = 9, .kernel = 4, .stride = 2, .padding = 1}, {4, 3, 1}, {8, 6, 9}},
    {{.in = 2, .out = 3, .kernel = 3, .stride = 2, .padding = 1}, {4, 3, 2}, {7, 5, 3}},
    {{.in = 2, .out = 3, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}, {4, 3, 2}, {8, 6, 3}},
    {{.in = 2, .out = 3, .kernel = {2, 3}, .stride = {1, 3}, .padding = {0, 1}, .output_padding = {0, 2}},
     {3, 4, 2},
     {4, 12, 3}},
    // "Same" padding: a 5x5 kernel of stride 2 is cropped by one row and column before and two behind.
    {{.in = 2, .out = 3, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}, {4, 3, 2}, {8, 6, 3}},
    {{.in = 9, .out = 2, .kernel = 5, .padding = 2}, {3, 4, 9}, {3, 4, 2}},
    {{.in = 2, .out = 3, .kernel = 3, .padding = {2, 0}, .padding_end = Size2{0, 1}}, {3, 4, 2}, {3, 5, 3}},
    {{.in = 2, .out = 3, .kernel = {1, 2}, .stride = 3}, {3, 2, 2}, {7, 5, 3}},  // some pixels get the bias alone
    {{.in = 2, .out = 3, .kernel = 2, .stride = 3, .output_padding = 2}, {2, 3, 2}, {7, 10, 3}},
    {{.in = 2, .out = 9, .kernel = 2, .stride = 2, .padding = 3}, {5, 6, 2}, {4, 6, 9}},  // whole pixels are cropped
    {{.in = 2, .out = 3, .kernel = 3, .stride = 2, .bias = false}, {2, 3, 2}, {5, 7, 3}},
};

}  // namespace

TEST_CASE("conv_transpose2d: gradients and output shapes for a table of kernels, strides and paddings") {
  for (const Case& c : cases) {
    ConvTranspose2d<double> layer(c.options);
    CHECK(layer.output_shape(c.image) == c.output);
    CHECK(layer.weight().value.shape() == Shape{c.options.kernel.h, c.options.kernel.w, c.options.in, c.options.out});
    test::check_gradients(layer, c.image.batch(3));
  }
}

TEST_CASE("conv_transpose2d: every output by the formula") {
  for (const Case& c : cases) {
    const ConvTranspose2dOptions& o = c.options;
    ConvTranspose2d<double> layer(o);
    Tensor<double> x(c.image.batch(3)), expected(c.output.batch(3));
    Random random(2);
    random.fill_normal(x);
    random.fill_normal(layer.weight().value);
    random.fill_normal(layer.bias().value);
    for (Index i = 0; i < expected.size(); ++i) expected[i] = o.bias ? layer.bias().value[i % o.out] : 0;
    for (Index n = 0; n < 3; ++n)
      for (Index i = 0; i < x.dim(1); ++i)
        for (Index j = 0; j < x.dim(2); ++j)
          for (Index k = 0; k < o.kernel.h; ++k)
            for (Index l = 0; l < o.kernel.w; ++l) {
              const Index row = i * o.stride.h - o.padding.h + k, column = j * o.stride.w - o.padding.w + l;
              if (row < 0 || row >= expected.dim(1) || column < 0 || column >= expected.dim(2)) continue;
              for (Index a = 0; a < o.in; ++a)
                for (Index b = 0; b < o.out; ++b)
                  expected(n, row, column, b) += x(n, i, j, a) * layer.weight().value(k, l, a, b);
            }
    Trace<double> trace;
    const Tensor<double>& y = layer.forward(x, trace, {});
    REQUIRE(y.shape() == expected.shape());
    for (Index i = 0; i < y.size(); ++i)
      CHECK(std::abs(y[i] - expected[i]) < 1e-12);  // at most 225 products of order 1
  }
}

TEST_CASE("conv_transpose2d: an output pixel is made of one tap in stride x stride") {
  ConvTranspose2d<double> layer({.in = 6, .out = 7, .kernel = 4, .stride = 2});
  Fan fan{0, 0};
  layer.initialise([&](Tensor<double>&, Fan f, Random&) { fan = f; }, Random(1));
  CHECK(fan.in == 6 * 16 / 4);
  CHECK(fan.out == 7 * 16);
}

TEST_CASE("conv_transpose2d: misuse") {
  using Layer = ConvTranspose2d<double>;
  CHECK_THROWS_WITH(Layer({.out = 4}),
                    ContainsSubstring("conv_transpose2d: expected positive channels, got in 0, out 4"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .kernel = -1}),
                    ContainsSubstring("conv_transpose2d: expected positive kernel and stride, got -1x-1 and 1x1"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .stride = {2, 0}}),
                    ContainsSubstring("expected positive kernel and stride, got 3x3 and 2x0"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .padding = -1}),
                    ContainsSubstring("conv_transpose2d: expected padding >= 0, got -1x-1 and -1x-1"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .stride = {3, 2}, .output_padding = 2}),
                    ContainsSubstring("conv_transpose2d: expected 0 <= output_padding < stride 3x2, got 2x2"));
  CHECK_THROWS_WITH(Layer({.in = 1, .out = 1, .output_padding = {0, -1}}),
                    ContainsSubstring("expected 0 <= output_padding < stride 1x1, got 0x-1"));

  Layer layer({.in = 4, .out = 2, .kernel = 3, .padding = {2, 1}});
  layer.set_name("G.convT1");
  CHECK(layer.output_shape({3, 1, 4}) == Shape{1, 1, 2});
  CHECK_THROWS_WITH(layer.output_shape({2, 5, 4}),
                    ContainsSubstring("conv_transpose2d \"G.convT1\": the padding leaves nothing of an image of 2x5"));
  CHECK_THROWS_WITH(layer.output_shape({7, 7, 3}),
                    ContainsSubstring("conv_transpose2d \"G.convT1\": expected 4 channels, got 3"));
  CHECK_THROWS_WITH(layer.output_shape({100}), ContainsSubstring("expected images height x width x channels, got 100"));
  Trace<double> trace;
  const Tensor<double> x({2, 7, 7, 3});
  CHECK_THROWS_WITH(layer.forward(x, trace, {}), ContainsSubstring("expected 4 channels, got 3"));
}
