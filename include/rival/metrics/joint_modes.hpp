#pragma once
// Modes of samples with several attributes: what several classifiers see in one, taken together.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

/// How many samples {N, ...} are of each mode. A mode is a class of each classifier: of classifiers of A, B and C
/// classes there are A B C modes, and classes (a, b, c) are mode (a B + b) C + c. Throws Error without classifiers, for
/// samples that one of them does not read, and for more than a million modes.
template <class S>
std::vector<Index> joint_mode_counts(std::span<const Classifier<S>> classifiers, const Tensor<S>& samples) {
  require(!classifiers.empty(), "joint modes: expected at least one classifier, got none");
  constexpr Index most = 1'000'000;
  Index modes = 1;
  for (const auto& classifier : classifiers) {
    modes *= classifier.classes();
    require(modes <= most, "joint modes: expected classifiers of at most ", most, " modes together, got more");
  }
  std::vector<Index> mode(static_cast<std::size_t>(samples.dim(0)), 0);
  for (const auto& classifier : classifiers) {
    const std::vector<Label> seen = predicted_classes(classifier.logits(samples));
    for (std::size_t i = 0; i < mode.size(); ++i) mode[i] = mode[i] * classifier.classes() + seen[i];
  }
  std::vector<Index> counts(static_cast<std::size_t>(modes), 0);
  for (const Index m : mode) ++counts[static_cast<std::size_t>(m)];
  return counts;
}

/// The law of modes whose attributes are independent of each other: q(a, b, c) = q(a) q(b) q(c), with each attribute's
/// own shares as in `counts`, where a mode has the number that joint_mode_counts gives it. No mode of classes that
/// occur has probability 0, however rare. Throws Error when `counts` are not as many as there are modes, or all 0.
inline std::vector<double> independent_law(const std::vector<Index>& counts, const std::vector<Index>& classes) {
  Index modes = 1;
  for (const Index n : classes) modes *= n;
  require(!classes.empty() && modes == static_cast<Index>(counts.size()), "joint modes: expected counts of ", modes,
          " modes, got ", counts.size());
  double total = 0;
  for (const Index n : counts) total += static_cast<double>(n);
  require(total > 0, "joint modes: expected counts that are not all 0");
  std::vector<double> law(counts.size(), 1);
  Index stride = modes;  // from one class of the attribute to the next
  for (const Index n : classes) {
    stride /= n;
    const auto class_of = [&](std::size_t mode) {
      return static_cast<std::size_t>(static_cast<Index>(mode) / stride % n);
    };
    std::vector<double> shares(static_cast<std::size_t>(n), 0);
    for (std::size_t m = 0; m < counts.size(); ++m) shares[class_of(m)] += static_cast<double>(counts[m]) / total;
    for (std::size_t m = 0; m < law.size(); ++m) law[m] *= shares[class_of(m)];
  }
  return law;
}

}  // namespace rival
