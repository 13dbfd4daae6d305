#pragma once
// Size2: an extent by height and width, which may be written as one number.

#include <cmath>
#include <limits>
#include <ostream>
#include <string_view>
#include <variant>
#include <vector>

#include "rival/core/shape.hpp"
#include "rival/nn/description.hpp"

namespace rival {

/// Height and width: `.kernel = 5` is 5x5, `.kernel = {3, 5}` is 3 high and 5 wide.
struct Size2 {
  Index h,  ///< height
      w;    ///< width

  /// A square.
  constexpr Size2(Index both) : h(both), w(both) {}  // NOLINT: meant to be implicit
  /// Height first, as in shapes.
  constexpr Size2(Index height, Index width) : h(height), w(width) {}

  /// Height times width.
  constexpr Index area() const { return h * w; }
  friend constexpr bool operator==(const Size2&, const Size2&) = default;
  /// As it stands in errors: `3x5`.
  friend std::ostream& operator<<(std::ostream& out, const Size2& size) { return out << size.h << 'x' << size.w; }
};

/// The list of height and width.
inline OptionValue option_value(const Size2& size) { return std::vector<Index>{size.h, size.w}; }
/// Takes a list of two whole numbers.
inline bool read_option(const OptionValue& value, Size2& out) {
  const auto* both = std::get_if<std::vector<Index>>(&value);
  if (!both || both->size() != 2) return false;
  out = {(*both)[0], (*both)[1]};
  return true;
}

namespace internal {

/// More than any window, stride or factor needs, and so few that sums and products of two are numbers.
inline constexpr Index most_size = Index{1} << (4 * sizeof(Index) - 1);

/// Throws Error, beginning with `what`, unless both are at most most_size.
template <class What>
void require_countable(const What& what, std::string_view name, const Size2& size) {
  require(size.h <= most_size && size.w <= most_size, what, ": expected a ", name, " of at most ", most_size, ", got ",
          size);
}

/// extent * factor + more, an extent of what a layer makes. Throws Error, beginning with `what`, when no index can
/// count so far.
template <class What>
Index grown(const What& what, Index extent, Index factor, Index more = 0) {
  constexpr auto most = static_cast<double>(std::numeric_limits<Index>::max() / 2);
  require(static_cast<double>(extent) * static_cast<double>(factor) + std::abs(static_cast<double>(more)) < most, what,
          ": makes more of ", extent, " than an index can count");
  return extent * factor + more;
}

}  // namespace internal

/// For the padding below and to the right: as much as above and to the left.
inline constexpr Size2 as_padding = -1;

}  // namespace rival
