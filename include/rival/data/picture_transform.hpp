#pragma once
// picture_transform(): what the floats of a file of pictures become.

#include <algorithm>
#include <string>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/data/dataset.hpp"

namespace rival::internal {

/// How they become numbers in [-1, 1]: by the range that they come in, 0 to 1, -1 to 1 or 0 to 255. What is below 0
/// may go to -2 and 2: generators without a tanh at their end overshoot. Throws Error, beginning with `what`, for other
/// ranges and for values that are not finite.
inline Transform picture_transform(const std::string& what, const std::vector<float>& values) {
  float low = 0, high = 0;
  for (const float v : values) {
    require(is_finite(v), what, ": expected finite values, got ", v);
    low = std::min(low, v), high = std::max(high, v);
  }
  if (low >= 0 && high <= 1) return {.divisor = 0.5, .shift = -1};
  if (low < 0 && low >= -2 && high <= 2) return {};
  require(low >= 0 && high <= 255, what, ": expected values from 0 to 1, -1 to 1 or 0 to 255, got ", low, " to ", high);
  return {.divisor = 127.5, .shift = -1};
}

}  // namespace rival::internal
