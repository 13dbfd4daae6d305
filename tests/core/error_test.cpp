#include <stdexcept>
#include "catch.hpp"

#include "rival/core/error.hpp"
#include "rival/core/shape.hpp"

TEST_CASE("error: is the parts one after the other") {
  CHECK_THROWS_WITH(rival::fail("conv2d \"", "D.conv2", "\": expected ", 64, " channels, got ", rival::Shape{2, 3}),
                    "conv2d \"D.conv2\": expected 64 channels, got 2x3");
  CHECK_THROWS_AS(rival::fail("x"), std::runtime_error);
}

TEST_CASE("error: require throws when its condition does not hold") {
  CHECK_NOTHROW(rival::require(true, "never"));
  CHECK_THROWS_WITH(rival::require(false, "expected ", 1), "expected 1");
}
