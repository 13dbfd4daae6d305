#pragma once
// Estimate: a figure with its spread.

#include <cmath>
#include <vector>

#include "rival/core/error.hpp"

namespace rival {

/// A figure as several subsets of the samples give it.
struct Estimate {
  double mean = 0;       ///< over the subsets
  double deviation = 0;  ///< of one subset's figure: the root of the unbiased variance
};

/// Mean and deviation of at least one value; of a single one the deviation is 0.
inline Estimate estimate(const std::vector<double>& values) {
  require(!values.empty(), "estimate: expected at least 1 value, got none");
  Estimate e;
  for (const double value : values) e.mean += value / static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - e.mean) * (value - e.mean);
  if (values.size() > 1) e.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return e;
}

}  // namespace rival
