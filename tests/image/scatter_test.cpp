#include <array>
#include <limits>
#include "catch.hpp"

#include "rival/image/scatter.hpp"

using namespace rival;

namespace {

std::array<int, 3> pixel(const Image& image, Index row, Index column) {
  const std::uint8_t* rgb = image.bytes.data() + 3 * (row * image.width + column);
  return {rgb[0], rgb[1], rgb[2]};
}
int brightness(const std::array<int, 3>& rgb) { return rgb[0] + rgb[1] + rgb[2]; }

Tensor<float> at(std::initializer_list<std::array<float, 2>> places) {
  Tensor<float> tensor({static_cast<Index>(places.size()), 2});
  Index i = 0;
  for (const auto& [x, y] : places) {
    tensor(i, 0) = x;
    tensor(i++, 1) = y;
  }
  return tensor;
}

Tensor<float> values(std::initializer_list<float> all) {
  Tensor<float> tensor({static_cast<Index>(all.size())});
  std::copy(all.begin(), all.end(), tensor.data());
  return tensor;
}

const Tensor<float> flat = values({0, 0, 0, 0});

}  // namespace

TEST_CASE("scatter: a field's places go row by row from the top") {
  const auto places = field_places<float>(3, 2.0);
  REQUIRE(places.shape() == Shape{9, 2});
  const float expected[9][2] = {{-2, 2}, {0, 2}, {2, 2}, {-2, 0}, {0, 0}, {2, 0}, {-2, -2}, {0, -2}, {2, -2}};
  for (Index i = 0; i < 9; ++i)
    for (Index axis = 0; axis < 2; ++axis) CHECK(places(i, axis) == expected[i][axis]);
}

TEST_CASE("scatter: positive values are red, negative ones blue, neutral ones white") {
  const Tensor<float> none({0, 2});
  // Positive at the top right.
  const auto image = scatter(none, values({0, 1, -1, 0}), none, {.size = 100});
  CHECK(image.height == 100);
  CHECK(image.width == 100);
  CHECK(image.channels == 3);
  REQUIRE(image.bytes.size() == 30000);
  const auto red = pixel(image, 0, 99), blue = pixel(image, 99, 0), white = pixel(image, 50, 50);
  CHECK(red[0] > red[2] + 20);
  CHECK(blue[2] > blue[0] + 20);
  CHECK(brightness(white) > 720);

  CHECK(scatter(none, values({5, 6, 4, 5}), none, {.size = 100, .neutral = 5}).bytes == image.bytes);
  CHECK(brightness(pixel(scatter(none, flat, none, {.size = 10}), 5, 5)) > 720);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(brightness(pixel(scatter(none, values({nan, nan, nan, nan}), none, {.size = 10}), 5, 5)) > 720);
}

TEST_CASE("scatter: points are dark dots, marks are rings, and what is outside is left out") {
  const Tensor<float> none({0, 2});
  const auto empty = scatter(none, flat, none, {.reach = 2, .size = 101});
  const auto dots = scatter(at({{1, 1}}), flat, none, {.reach = 2, .size = 101, .dot = 3});
  CHECK(brightness(pixel(dots, 25, 75)) < brightness(pixel(empty, 25, 75)) - 200);
  CHECK(pixel(dots, 25, 65) == pixel(empty, 25, 65));
  CHECK(pixel(dots, 75, 75) == pixel(empty, 75, 75));

  const auto rings = scatter(none, flat, at({{0, 0}}), {.reach = 2, .size = 101, .mark = 10});
  CHECK(pixel(rings, 50, 50) == pixel(empty, 50, 50));
  CHECK(brightness(pixel(rings, 50, 60)) < brightness(pixel(empty, 50, 60)) - 200);
  CHECK(brightness(pixel(rings, 40, 50)) < brightness(pixel(empty, 40, 50)) - 200);

  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto outside = at({{3, 0}, {0, -3}, {1e30F, 0}, {infinity, -infinity}, {nan, 0}, {0, nan}});
  CHECK(scatter(outside, flat, outside, {.reach = 2, .size = 101}).bytes == empty.bytes);
  // On the border half of a dot is seen.
  CHECK(brightness(pixel(scatter(at({{2, 0}}), flat, none, {.reach = 2, .size = 101, .dot = 3}), 50, 100)) < 650);
}

TEST_CASE("scatter: refuses tensors of other shapes and options out of range") {
  using Catch::Matchers::ContainsSubstring;
  const auto points = at({{0, 0}});
  CHECK_THROWS_WITH(scatter(Tensor<float>({2, 3}), flat, points),
                    ContainsSubstring("scatter: expected points and marks, N x 2, got 2x3"));
  CHECK_THROWS_WITH(scatter(points, flat, Tensor<float>({2})),
                    ContainsSubstring("scatter: expected points and marks, N x 2, got 2"));
  CHECK_THROWS_WITH(scatter(points, values({1, 2, 3}), points), ContainsSubstring("values in a square, got 3"));
  CHECK_THROWS_WITH(scatter(points, values({1}), points), ContainsSubstring("values in a square, got 1"));
  CHECK_THROWS_WITH(scatter(points, flat, points, {.size = 1}),
                    ContainsSubstring("expected a size of 2 to 8192 pixels, got 1"));
  CHECK_THROWS_WITH(scatter(points, flat, points, {.reach = 0}), ContainsSubstring("expected a positive reach, got 0"));
  CHECK_THROWS_WITH(field_places<float>(1, 1.0), ContainsSubstring("expected at least 2 places along a side, got 1"));
}
