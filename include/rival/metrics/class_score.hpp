#pragma once
// What a classifier makes of samples: how sure it is, and how many kinds it sees.

#include <algorithm>
#include <cmath>
#include <vector>

#include "rival/core/labels.hpp"
#include "rival/core/tensor.hpp"
#include "rival/metrics/estimate.hpp"
#include "rival/metrics/moments.hpp"

namespace rival {

/// exp(mean over samples of KL(p(y|x) || p(y))), p(y|x) the softmax of the logits {N, K} and p(y) its mean over the
/// part: from 1, when all samples look alike or like nothing, to K, when each is surely of one class and all come
/// equally often (the inception score of Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, 2016, with any
/// classifier). In `parts` parts of the samples in their order, whose spread comes beside. Throws Error for more parts
/// than samples.
template <class S>
Estimate class_score(const Tensor<S>& logits, Index parts = 10) {
  internal::require_features("class_score", logits);
  const Index count = logits.dim(0), classes = logits.dim(1);
  require(parts >= 1 && parts <= count, "class_score: expected 1 to ", count, " parts, got ", parts);
  Eigen::ArrayXXd log_share = logits.matrix().template cast<double>().array();
  for (Index i = 0; i < count; ++i) {
    auto row = log_share.row(i);
    row -= row.maxCoeff();
    row -= std::log(row.exp().sum());
  }
  std::vector<double> scores;
  for (Index part = 0; part < parts; ++part) {
    const Index begin = part_begin(count, parts, part), end = part_begin(count, parts, part + 1);
    const auto rows = log_share.middleRows(begin, end - begin);
    const Eigen::ArrayXd mean = rows.exp().colwise().mean().transpose();
    double sum = 0;
    for (Index i = 0; i < rows.rows(); ++i)
      for (Index k = 0; k < classes; ++k) {
        const double share = std::exp(rows(i, k));
        if (share > 0) sum += share * (rows(i, k) - std::log(mean[k]));
      }
    scores.push_back(std::exp(sum / static_cast<double>(rows.rows())));
  }
  return estimate(scores);
}

/// The class of the greatest logit of each sample, the first of several.
template <class S>
std::vector<Label> predicted_classes(const Tensor<S>& logits) {
  internal::require_features("predicted_classes", logits);
  require(logits.dim(1) <= most_classes, "predicted_classes: expected at most ", most_classes, " classes, got ",
          logits.dim(1));
  std::vector<Label> classes;
  for (Index i = 0; i < logits.dim(0); ++i) {
    Index greatest = 0;
    logits.matrix().row(i).maxCoeff(&greatest);
    classes.push_back(static_cast<Label>(greatest));
  }
  return classes;
}

/// How many samples are of each class. Throws Error for a label that is not below `classes`.
inline std::vector<Index> class_counts(Labels labels, Index classes) {
  require(classes >= 1, "class_counts: expected at least 1 class, got ", classes);
  std::vector<Index> counts(static_cast<std::size_t>(classes));
  for (const Label label : labels) {
    require(label < classes, "class_counts: expected labels below ", classes, ", got ", label);
    ++counts[label];
  }
  return counts;
}

}  // namespace rival
