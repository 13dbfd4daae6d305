#include "rival/core/sort_numbers.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "rival/core/random.hpp"

using namespace rival;

namespace {

void check(std::vector<double> numbers) {
  std::vector<double> expected = numbers;
  std::sort(expected.begin(), expected.end());
  internal::sort_numbers(numbers.data(), static_cast<Index>(numbers.size()));
  CHECK(numbers == expected);
}

}  // namespace

TEST_CASE("sort numbers: as std::sort does, of any signs and sizes") {
  check({});
  check({3});
  check({2, 1});
  constexpr double inf = std::numeric_limits<double>::infinity();
  check({1, -1, inf, 0, -inf, 5e-324, -5e-324, 1e308, -1e308, 1, 1, -1, 0.1, 2.2e-308});
  Random random(3);
  for (const Index count : {2, 7, 100, 5000}) {
    std::vector<double> numbers;
    for (Index i = 0; i < count; ++i) {
      // All exponents, and equal ones.
      const std::uint64_t bits = (static_cast<std::uint64_t>(random.below(1L << 32)) << 32) |
                                 static_cast<std::uint64_t>(random.below(1L << 32));
      const double number = std::bit_cast<double>(bits);
      numbers.push_back(number == number ? number : 0.5);
      if (i % 3 == 0)
        numbers.push_back(numbers[static_cast<std::size_t>(random.below(static_cast<Index>(numbers.size())))]);
    }
    check(numbers);
  }
}

TEST_CASE("sort numbers: zeros by sign, NaN at the ends") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> numbers{0.0, -0.0, nan, 1, -1, -nan};
  internal::sort_numbers(numbers.data(), 6);
  CHECK(numbers[0] != numbers[0]);
  CHECK(numbers[1] == -1);
  CHECK(std::signbit(numbers[2]));
  CHECK(!std::signbit(numbers[3]));
  CHECK(numbers[4] == 1);
  CHECK(numbers[5] != numbers[5]);
}
