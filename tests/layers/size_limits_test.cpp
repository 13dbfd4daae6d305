// Sizes are checked before they are multiplied.
#include <functional>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/layers/concat.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/resample.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/upsample.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Index most = std::numeric_limits<Index>::max();

/// Either an Error or a shape whose size an index can count; the undefined sanitizer sees what overflows on the way.
void check(const std::string& what, const std::function<Shape()>& shape) {
  INFO(what);
  try {
    const Index size = shape().size();
    CHECK(size >= 0);
  } catch (const Error&) {
    SUCCEED();
  }
}

}  // namespace

TEST_CASE("layers: sizes that no index can count are refused by name") {
  constexpr Index huge = Index{1} << 61;
  const auto at_most = ContainsSubstring("of at most 2147483648");
  CHECK_THROWS_WITH(ConvTranspose2d<>({.in = 1, .out = 1, .kernel = 3, .stride = huge}), at_most);
  CHECK_THROWS_WITH(Conv2d<>({.in = 1, .out = 1, .kernel = 3, .padding = most / 2}), at_most);
  CHECK_THROWS_WITH(Conv2d<>({.in = 1, .out = 1, .kernel = 3, .padding_end = Size2(1, most)}), at_most);
  CHECK_THROWS_WITH(Conv2d<>({.in = 1, .out = 1, .kernel = Size2(1, huge)}), at_most);
  CHECK_THROWS_WITH(Conv1d<>({.in = 1, .out = 1, .kernel = 3, .padding = most / 2}), at_most);
  CHECK_THROWS_WITH(ConvTranspose1d<>({.in = 1, .out = 1, .kernel = 3, .stride = huge}), at_most);
  CHECK_THROWS_WITH(Upsample<>({.factor = Index{1} << 40}), at_most);
  CHECK_THROWS_WITH(MaxPool2d<>({.kernel = huge}), at_most);
  CHECK_THROWS_WITH(AvgPool2d<>({.kernel = 2, .stride = most}), at_most);

  const auto beyond = ContainsSubstring("than an index can count");
  const Shape tall{Index{1} << 61, 1, 1};
  CHECK_THROWS_WITH(ConvTranspose2d<>({.in = 1, .out = 1, .kernel = 3, .stride = 2}).output_shape(tall), beyond);
  CHECK_THROWS_WITH(ConvTranspose1d<>({.in = 1, .out = 1, .kernel = 3, .stride = 2}).output_shape({tall[0], 1}),
                    beyond);
  CHECK_THROWS_WITH(Upsample<>({.factor = 4}).output_shape(tall), beyond);
  CHECK_THROWS_WITH(BlurUpsample<>().output_shape(tall), beyond);
  CHECK_THROWS_WITH(Pack<>(most).output_shape({3}), beyond);
  CHECK_THROWS_WITH(
      Conv2d<>({.in = 1, .out = 1, .kernel = 1, .padding = Index{1} << 31}).output_shape({Index{1} << 62, 1, 1}),
      beyond);
  CHECK_THROWS_WITH(MaxPool2d<>({.kernel = 4, .padding = 2}).output_shape({Index{1} << 62, 1, 1}), beyond);
  // What fits stays.
  CHECK(Conv2d<>({.in = 1, .out = 2, .kernel = 3, .padding = 1}).output_shape({9, 9, 1}) == Shape{9, 9, 2});
}

TEST_CASE("layers: options and inputs of any size give an error or a shape") {
  const std::vector<Index> sizes{1,
                                 2,
                                 3,
                                 Index{1} << 20,
                                 Index{1} << 30,
                                 (Index{1} << 30) + 1,
                                 Index{1} << 40,
                                 Index{1} << 61,
                                 most / 2,
                                 most / 2 + 1,
                                 most - 1,
                                 most};
  const auto images = [&](const std::string& what, const auto& make) {
    for (const Index a : sizes) check(what, [&] { return make(a).output_shape({9, 9, 1}); });
    for (const Index a : sizes)
      for (const Index b : sizes) {
        check(what, [&] { return make(a).output_shape({b, 1, 1}); });
        check(what, [&] { return make(a).output_shape({1, b, 1}); });
        check(what, [&] { return make(a).output_shape({1, 1, b}); });
        check(what, [&] { return make(a).output_shape({0, b, 1}); });
      }
  };
  images("conv2d stride", [](Index n) { return Conv2d<>({.in = 1, .out = 1, .kernel = 3, .stride = n}); });
  images("conv2d padding", [](Index n) { return Conv2d<>({.in = 1, .out = 1, .kernel = 3, .padding = n}); });
  images("conv2d padding_end", [](Index n) { return Conv2d<>({.in = 1, .out = 1, .padding_end = n}); });
  images("conv_transpose2d stride", [](Index n) { return ConvTranspose2d<>({.in = 1, .out = 1, .stride = n}); });
  images("conv_transpose2d padding", [](Index n) { return ConvTranspose2d<>({.in = 1, .out = 1, .padding = n}); });
  images("conv_transpose2d output_padding",
         [](Index n) { return ConvTranspose2d<>({.in = 1, .out = 1, .stride = n, .output_padding = n - 1}); });
  images("avg_pool2d stride", [](Index n) { return AvgPool2d<>({.kernel = 2, .stride = n}); });
  images("avg_pool2d kernel", [](Index n) { return AvgPool2d<>({.kernel = n, .stride = 1, .padding = n / 2}); });
  images("max_pool2d padding", [](Index n) { return MaxPool2d<>({.kernel = 3, .stride = 2, .padding = n}); });
  images("upsample", [](Index n) { return Upsample<>({.factor = n}); });
  images("upsample", [](Index n) { return Upsample<>({.factor = {n, n}}); });
  images("embedding", [](Index n) { return Embedding<>({.classes = n > 100 ? 1 : n, .features = n > 100 ? 1 : n}); });
  images("pack", [](Index n) { return Pack<>(n); });
  images("blur", [](Index) { return BlurUpsample<>(); });
  images("blur", [](Index) { return BlurDownsample<>(); });
  images("minibatch_stddev", [](Index n) { return MinibatchStddev<>({.group = n}); });
  images("concat_skip", [](Index) { return ConcatSkip<>(Sequential<>(Pack<>(1))); });
  images("flatten", [](Index) { return Flatten<>(); });
}

TEST_CASE("shape: an axis is one of the shape's") {
  const Shape shape{2, 3};
  CHECK_THROWS_WITH(shape[2], "shape: expected an axis of 2x3, got 2");
  CHECK_THROWS_AS(shape[-1], Error);
  CHECK_THROWS_AS(shape.with(2, 1), Error);
  CHECK_THROWS_AS(Tensor<>(shape).dim(2), Error);
  Tensor<> window;
  CHECK_THROWS_WITH(window.alias(Tensor<>(shape), {7}), "tensor: cannot see 2x3 as 7");
}
