#include <cstdint>
#include <limits>
#include <vector>
#include "catch.hpp"

#include "rival/data/dataset.hpp"
#include "rival/image/grid.hpp"

using namespace rival;

namespace {

/// Images whose values are all different bytes: image n, row y, column x, channel c.
std::uint8_t value(Index n, Index y, Index x, Index c) {
  return static_cast<std::uint8_t>(n * 40 + y * 12 + x * 3 + c + 1);
}

template <class S>
Tensor<S> images(Index count, Index height, Index width, Index channels) {
  Tensor<S> tensor({count, height, width, channels});
  for (Index n = 0; n < count; ++n)
    for (Index y = 0; y < height; ++y)
      for (Index x = 0; x < width; ++x)
        for (Index c = 0; c < channels; ++c) tensor(n, y, x, c) = from_byte<S>(value(n, y, x, c));
  return tensor;
}

}  // namespace

TEST_CASE("grid: numbers in [-1, 1] become the bytes that they came from") {
  for (int b = 0; b < 256; ++b) {
    const auto byte = static_cast<std::uint8_t>(b);
    CHECK(to_byte(from_byte<float>(byte)) == byte);
    CHECK(to_byte(from_byte<double>(byte)) == byte);
    // Up to almost half a step to either side it is still the nearest.
    CHECK(to_byte((b + 0.499) / 127.5 - 1) == byte);
    CHECK(to_byte((b - 0.499) / 127.5 - 1) == byte);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(to_byte(1.5f) == 255);
  CHECK(to_byte(infinity) == 255);
  CHECK(to_byte(1e30) == 255);
  CHECK(to_byte(-1.5f) == 0);
  CHECK(to_byte(-infinity) == 0);
  CHECK(to_byte(std::numeric_limits<float>::quiet_NaN()) == 0);
  CHECK(to_byte(std::numeric_limits<double>::quiet_NaN()) == 0);

  const Tensor<std::uint8_t> bytes = to_bytes(Tensor<double>({2, 2}, {-1.0, 1.0, 0.0, -2.0}));
  CHECK(bytes.shape() == Shape{2, 2});
  CHECK(bytes[0] == 0);
  CHECK(bytes[1] == 255);
  CHECK(bytes[2] == 128);
  CHECK(bytes[3] == 0);
}

TEMPLATE_TEST_CASE("grid: every pixel is where it belongs", "", float, double) {
  struct Case {
    Index count, columns, padding, scale, channels, rows_expected, columns_expected;
  };
  for (const auto& [count, columns, padding, scale, channels, rows, expected] :
       {Case{5, 0, 2, 1, 1, 2, 3}, Case{4, 0, 1, 2, 3, 2, 2}, Case{5, 2, 0, 3, 1, 3, 2}, Case{3, 8, 3, 1, 3, 1, 3},
        Case{1, 0, 0, 1, 1, 1, 1}, Case{2, 1, 2, 2, 1, 2, 1}}) {
    CAPTURE(count, columns, padding, scale, channels);
    const Index height = 2, width = 3, pitch_y = height * scale + padding, pitch_x = width * scale + padding;
    const Image picture = grid(images<TestType>(count, height, width, channels),
                               {.columns = columns, .padding = padding, .background = 77, .scale = scale});
    CHECK(picture.channels == channels);
    REQUIRE(picture.height == rows * pitch_y + padding);
    REQUIRE(picture.width == expected * pitch_x + padding);
    REQUIRE(static_cast<Index>(picture.bytes.size()) == picture.height * picture.width * channels);
    Index wrong = 0;
    for (Index y = 0; y < picture.height; ++y)
      for (Index x = 0; x < picture.width; ++x)
        for (Index c = 0; c < channels; ++c) {
          const Index row = (y - padding) / pitch_y, column = (x - padding) / pitch_x;
          const Index in_y = y - padding - row * pitch_y, in_x = x - padding - column * pitch_x;
          const Index n = row * expected + column;
          const bool inside =
              y >= padding && x >= padding && in_y < height * scale && in_x < width * scale && n < count;
          wrong += picture.bytes[static_cast<std::size_t>((y * picture.width + x) * channels + c)] !=
                   (inside ? value(n, in_y / scale, in_x / scale, c) : 77);
        }
    CHECK(wrong == 0);
  }
}

TEST_CASE("grid: shows bytes as they are") {
  const Tensor<float> numbers = images<float>(4, 2, 3, 1);
  CHECK(grid(to_bytes(numbers)).bytes == grid(numbers).bytes);
}

TEST_CASE("grid: refuses what is no batch of images") {
  CHECK_THROWS_WITH(grid(Tensor<float>({2, 784})), "grid: expected N x height x width x 1 or 3, got 2x784");
  CHECK_THROWS_WITH(grid(Tensor<float>({2, 4, 4, 2})), "grid: expected N x height x width x 1 or 3, got 2x4x4x2");
  CHECK_THROWS_WITH(grid(Tensor<float>({0, 4, 4, 1})), "grid: expected N x height x width x 1 or 3, got 0x4x4x1");
  const Tensor<float> good({1, 2, 2, 1});
  CHECK_THROWS_WITH(grid(good, {.columns = -1}), "grid: expected columns >= 0, got -1");
  CHECK_THROWS_WITH(grid(good, {.padding = -1}), "grid: expected padding >= 0, got -1");
  CHECK_THROWS_WITH(grid(good, {.scale = 0}), "grid: expected a scale of at least 1, got 0");
}
