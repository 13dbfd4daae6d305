#pragma once
// kl_to_law(): how far the shares of counts lie from those of a law.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "rival/core/error.hpp"

namespace rival {

/// KL(counts || law) = sum_k p_k log(p_k / q_k), in nats, p and q the shares of counts and law, which may be counts
/// too: 0 when they agree; infinite for a class that occurs and that the law has none of. Throws Error when they are of
/// different lengths, when one is below 0, and when one is all 0.
template <class Count, class Weight>
double kl_to_law(const std::vector<Count>& counts, const std::vector<Weight>& law) {
  require(counts.size() == law.size(), "kl_to_law: expected as many classes in the law as there are counts, ",
          counts.size(), ", got ", law.size());
  const auto total = [](const auto& weights, const char* what) {
    double sum = 0;
    for (const auto weight : weights) {
      require(weight >= 0, "kl_to_law: expected ", what, " >= 0, got ", weight);
      sum += static_cast<double>(weight);
    }
    require(sum > 0, "kl_to_law: expected ", what, " that are not all 0");
    return sum;
  };
  const double of_counts = total(counts, "counts"), of_law = total(law, "weights of the law");
  double sum = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) continue;
    if (law[k] == 0) return std::numeric_limits<double>::infinity();
    const double share = static_cast<double>(counts[k]) / of_counts;
    sum += share * std::log(share / (static_cast<double>(law[k]) / of_law));
  }
  return std::max(0.0, sum);  // rounding may leave -1e-16
}

}  // namespace rival
