#include <limits>
#include <sstream>
#include "catch.hpp"

#include "rival/core/shape.hpp"

using Catch::Matchers::ContainsSubstring;
using rival::Index;
using rival::Shape;

TEST_CASE("shape: prints its extents") {
  std::ostringstream out;
  out << Shape{64, 28, 28, 1} << ' ' << Shape{7} << ' ' << Shape{3, 0} << ' ' << Shape{};
  CHECK(out.str() == "64x28x28x1 7 3x0 scalar");
}

TEST_CASE("shape: rank, extents and size") {
  const Shape shape{2, 3, 5};
  CHECK(shape.rank() == 3);
  CHECK(shape[0] == 2);
  CHECK(shape[2] == 5);
  CHECK(shape.back() == 5);
  CHECK(shape.size() == 30);
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.back() == 1);
  CHECK(Shape{4, 0, 3}.size() == 0);
}

TEST_CASE("shape: equal only when rank and every extent are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{1} != Shape{});
}

TEST_CASE("shape: shapes made of others") {
  const Shape image{28, 20, 3};
  CHECK(image.batch(64) == Shape{64, 28, 20, 3});
  CHECK(image.batch(64).sample() == image);
  CHECK(image.with(1, 7) == Shape{28, 7, 3});
  CHECK(Shape{5}.sample() == Shape{});
}

TEST_CASE("shape: refuses what it cannot hold") {
  const Index most = std::numeric_limits<Index>::max();
  CHECK_THROWS_WITH((Shape{2, -1}), ContainsSubstring("expected extents >= 0, got -1"));
  CHECK_THROWS_WITH((Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}), ContainsSubstring("at most 8 extents"));
  CHECK_NOTHROW(Shape{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_NOTHROW(Shape{most, 1});
  CHECK_THROWS_WITH((Shape{2, most / 2 + 1}), ContainsSubstring("shape: 2x" + std::to_string(most / 2 + 1)));
  CHECK_THROWS_AS((Shape{Index{1} << 32, Index{1} << 31}), rival::Error);
}
