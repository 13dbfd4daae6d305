#include "rival/layers/pool.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Case {
  Size2 kernel, stride, padding;
};
const Case cases[] = {
    {2, 2, 0}, {3, 2, 1}, {{2, 3}, {1, 2}, {1, 0}}, {{3, 1}, {2, 3}, {0, 0}}, {1, 1, 0}, {{4, 2}, 3, {2, 1}}, {2, 3, 1},
};
const Shape batch{3, 5, 7, 2};

/// The pixels of one window, found by going over the whole image, and by the definition alone.
std::vector<double> window(const Tensor<double>& x, const Case& c, Index n, Index oy, Index ox, Index channel) {
  std::vector<double> inside;
  for (Index y = 0; y < x.dim(1); ++y)
    for (Index x_ = 0; x_ < x.dim(2); ++x_) {
      const Index ky = y + c.padding.h - oy * c.stride.h, kx = x_ + c.padding.w - ox * c.stride.w;
      if (ky >= 0 && ky < c.kernel.h && kx >= 0 && kx < c.kernel.w) inside.push_back(x(n, y, x_, channel));
    }
  return inside;
}

template <class Reference>
void check_against(const Layer<double>& layer, const Case& c, const Reference& reference) {
  Tensor<double> x(batch);
  Random(4).fill_normal(x, -5.0, 1.0);  // all below 0: zeros of the padding would show as maxima
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  REQUIRE(y.shape() == Shape{3, (5 + 2 * c.padding.h - c.kernel.h) / c.stride.h + 1,
                             (7 + 2 * c.padding.w - c.kernel.w) / c.stride.w + 1, 2});
  for (Index n = 0; n < y.dim(0); ++n)
    for (Index i = 0; i < y.dim(1); ++i)
      for (Index j = 0; j < y.dim(2); ++j)
        for (Index k = 0; k < 2; ++k) CHECK(std::abs(y(n, i, j, k) - reference(window(x, c, n, i, j, k))) < 1e-13);
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

}  // namespace

TEST_CASE("pooling: gradients and values for a table of kernels, strides and paddings") {
  for (const Case& c : cases) {
    INFO("kernel " << c.kernel << " stride " << c.stride << " padding " << c.padding);
    AvgPool2d<double> whole({.kernel = c.kernel, .stride = c.stride, .padding = c.padding});
    AvgPool2d<double> inside(
        {.kernel = c.kernel, .stride = c.stride, .padding = c.padding, .count_include_pad = false});
    MaxPool2d<double> largest({.kernel = c.kernel, .stride = c.stride, .padding = c.padding});
    rival::test::check_gradients(whole, batch);
    rival::test::check_gradients(inside, batch);
    rival::test::check_gradients(largest, batch);
    check_against(whole, c, [&](const auto& w) { return sum(w) / static_cast<double>(c.kernel.area()); });
    check_against(inside, c, [](const auto& w) { return sum(w) / static_cast<double>(w.size()); });
    check_against(largest, c, [](const auto& w) { return *std::max_element(w.begin(), w.end()); });
  }
}

TEST_CASE("pooling: the stride is the kernel unless given") {
  CHECK(AvgPool2d({.kernel = {2, 3}}).output_shape({6, 6, 4}) == Shape{3, 2, 4});
  CHECK(MaxPool2d({.kernel = 2}).output_shape({7, 9, 1}) == Shape{3, 4, 1});
  CHECK(MaxPool2d({.kernel = 2, .stride = 1}).output_shape({7, 9, 1}) == Shape{6, 8, 1});
}

TEST_CASE("max pooling: of equal pixels the first takes the gradient, and NaN is passed on") {
  MaxPool2d layer({.kernel = 2});
  Tensor<float> x({1, 2, 4, 1}, {1, 3, -1, -1, 3, 3, -1, -1});
  Trace<float> trace;
  layer.forward(x, trace, {});
  const Tensor<float> dy({1, 1, 2, 1}, {5, 7});
  Tensor<float> dx;
  layer.backward(trace, dy, &dx, {});
  const Tensor<float> expected({1, 2, 4, 1}, {0, 5, 7, 0, 0, 0, 0, 0});
  for (Index i = 0; i < dx.size(); ++i) CHECK(dx[i] == expected[i]);

  for (const Index place : {0, 1, 4, 5}) {
    Tensor<float> bad = x;
    bad[place] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(layer.forward(bad, trace, {})[0]));
    CHECK(trace.output[1] == -1);
  }
}

TEST_CASE("pooling: the same bits on any number of threads") {
  const int before = threads();
  Tensor<float> x({16, 14, 14, 32}), dy({16, 7, 7, 32});
  Random(1).fill_normal(x);
  Random(2).fill_normal(dy);
  AvgPool2d average({.kernel = 3, .stride = 2, .padding = 1});
  MaxPool2d largest({.kernel = 3, .stride = 2, .padding = 1});
  for (Layer<float>* layer : {static_cast<Layer<float>*>(&average), static_cast<Layer<float>*>(&largest)}) {
    Trace<float> trace;
    Tensor<float> dx1, dx3;
    set_threads(1);
    const Tensor<float> y1 = layer->forward(x, trace, {});
    layer->backward(trace, dy, &dx1, {});
    set_threads(3);
    const Tensor<float>& y3 = layer->forward(x, trace, {});
    layer->backward(trace, dy, &dx3, {});
    CHECK(std::equal(y1.data(), y1.data() + y1.size(), y3.data()));
    CHECK(std::equal(dx1.data(), dx1.data() + dx1.size(), dx3.data()));
  }
  set_threads(before);
}

TEST_CASE("pooling: misuse") {
  CHECK_THROWS_WITH(MaxPool2d({.kernel = {3, 2}, .padding = {2, 0}}),
                    ContainsSubstring("max_pool2d: expected padding from 0 to half of the kernel 3x2, got 2x0"));
  CHECK_THROWS_WITH(AvgPool2d({.kernel = 2, .padding = -1}), ContainsSubstring("got -1x-1"));
  CHECK_THROWS_WITH(AvgPool2d({.kernel = 0}),
                    ContainsSubstring("avg_pool2d: expected a kernel of at least 1x1, got 0x0"));
  CHECK_THROWS_WITH(AvgPool2d({.kernel = 2, .stride = 0}),
                    ContainsSubstring("expected a stride of at least 1x1, got 0x0"));
  MaxPool2d layer({.kernel = 4});
  layer.set_name("D.pool2");
  CHECK_THROWS_WITH(
      layer.output_shape({3, 9, 1}),
      ContainsSubstring("max_pool2d \"D.pool2\": a kernel of 4x4 does not fit into images of 3x9x1 with padding 0x0"));
  CHECK_THROWS_WITH(layer.output_shape({784}), ContainsSubstring("expected images of H x W x C, got 784"));
}
