#pragma once
// How many modes of a mixture a generator covers, and how evenly.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "rival/data/synthetic.hpp"
#include "rival/metrics/kl_to_law.hpp"

namespace rival {

/// Samples by the mode that they belong to. A sample is of high quality if it lies close to a centre, and belongs to
/// the nearest.
struct ModeCounts {
  std::vector<Index> of_mode;  ///< high-quality samples of each mode
  Index samples = 0;           ///< all of them

  /// High-quality samples of all modes together.
  Index high_quality() const {
    Index sum = 0;
    for (const Index count : of_mode) sum += count;
    return sum;
  }
  /// Modes with at least one high-quality sample.
  Index covered() const {
    return static_cast<Index>(of_mode.size()) - static_cast<Index>(std::count(of_mode.begin(), of_mode.end(), 0));
  }
  /// Share of the samples that are of high quality.
  double quality() const { return static_cast<double>(high_quality()) / static_cast<double>(samples); }

  /// KL(generated || real) = sum_k p_k log(p_k K), in nats, p the shares of the K modes in the high-quality samples: 0
  /// when all modes come equally often, log K when all samples are in one, infinite without any high-quality sample.
  /// PacGAN calls it the reverse Kullback-Leibler divergence. Of n samples drawn evenly it is (K - 1) / (2 n) in the
  /// mean.
  double kl() const {
    if (high_quality() == 0) return std::numeric_limits<double>::infinity();
    return kl_to_law(of_mode, std::vector<Index>(of_mode.size(), 1));
  }
};

/// Counts the modes of `real` among `points` {N, 2}: of high quality is what lies within `deviations` times sigma of a
/// centre (Srivastava, Valkov, Russell, Gutmann and Sutton, "VEEGAN: Reducing mode collapse in GANs using implicit
/// variational learning", 2017; Lin, Khetan, Fanti and Oh, "PacGAN", 2018). Of the real points themselves 1 - exp(-9/2)
/// = 98.9 % are. Throws Error unless `points` is N x 2 with N >= 1, and without centres.
template <class S>
ModeCounts count_modes(const Tensor<S>& points, const GaussianMixture& real, double deviations = 3) {
  require(points.rank() == 2 && points.dim(1) == 2 && points.dim(0) >= 1, "count_modes: expected points, N x 2, got ",
          points.shape());
  require(!real.centres.empty(), "count_modes: expected at least one centre, got none");
  ModeCounts counts{std::vector<Index>(real.centres.size()), points.dim(0)};
  const double reach = deviations * real.sigma;
  for (Index i = 0; i < points.dim(0); ++i) {
    std::size_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < real.centres.size(); ++k) {
      const double distance = std::hypot(static_cast<double>(points(i, 0)) - real.centres[k][0],
                                         static_cast<double>(points(i, 1)) - real.centres[k][1]);
      if (distance < least) least = distance, nearest = k;
    }
    if (least <= reach) ++counts.of_mode[nearest];
  }
  return counts;
}

}  // namespace rival
