#pragma once
// Whether a number is finite, by its bits: -ffast-math lets compilers take every number for finite, and std::isfinite
// with it for true.

#include <bit>
#include <cstdint>
#include <type_traits>

namespace rival {

/// False for NaN and the infinities, whatever flags the program is compiled with.
template <class S>
constexpr bool is_finite(S value) {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
  if constexpr (std::is_same_v<S, float>)
    return (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) != 0x7f800000u;
  else
    return (std::bit_cast<std::uint64_t>(value) & 0x7ff0000000000000u) != 0x7ff0000000000000u;
}

/// The same for NaN alone.
template <class S>
constexpr bool is_nan(S value) {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
  if constexpr (std::is_same_v<S, float>)
    return (std::bit_cast<std::uint32_t>(value) & 0x7fffffffu) > 0x7f800000u;
  else
    return (std::bit_cast<std::uint64_t>(value) & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
}

}  // namespace rival
