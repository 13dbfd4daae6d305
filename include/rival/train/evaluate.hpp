#pragma once
// evaluate(): how good a classifier is.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "rival/core/labels.hpp"
#include "rival/data/loader.hpp"
#include "rival/loss/supervised.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

/// What a classifier makes of labelled samples.
struct Classification {
  double loss = 0;               ///< mean softmax cross-entropy
  Index wrong = 0;               ///< samples whose greatest logit is another class's
  Index classes = 0;             ///< of the classifier
  std::vector<Label> predicted;  ///< of each sample, in their order
  std::vector<Index> confusion;  ///< classes x classes: how many samples of the row's class were taken for the
                                 ///< column's; none above 1,000

  /// How many were classified.
  Index samples() const { return static_cast<Index>(predicted.size()); }
  /// Share that was taken for another class; NaN without samples.
  double error() const { return static_cast<double>(wrong) / static_cast<double>(samples()); }
  /// Share that was taken for its own class.
  double accuracy() const { return 1 - error(); }
  /// Samples of class `truth` that were taken for `taken_for`.
  Index count(Label truth, Label taken_for) const {
    require(truth < classes && taken_for < classes, "evaluation: expected classes below ", classes, ", got ", truth,
            " and ", taken_for);
    require(!confusion.empty(), "evaluation: expected at most 1000 classes to count confusions of, got ", classes);
    return confusion[static_cast<std::size_t>(truth * classes + taken_for)];
  }
};

/// In evaluation mode. Throws Error for a data set without samples, without labels, or of more classes or other samples
/// than the classifier is made for.
template <class S>
Classification evaluate(const Classifier<S>& classifier, const Dataset& data) {
  require(data.size() > 0 && data.has_labels(), "evaluate: expected labelled samples, got ", data.size(),
          data.has_labels() ? "" : " without labels");
  require(data.classes() <= classifier.classes(), "evaluate: the classifier tells ", classifier.classes(),
          " classes apart, the data set has ", data.classes());
  Classification all;
  all.classes = classifier.classes();
  const bool counted = all.classes <= 1000;
  if (counted) all.confusion.resize(static_cast<std::size_t>(all.classes * all.classes));
  Loader<S> loader(data, {.batch = std::min<Index>(1000, data.size()), .drop_last = false, .shuffle = false}, Random());
  Tensor<S> samples;
  std::vector<Label> labels;
  Loss<S> loss;
  double sum = 0;
  while (loader.next(samples, labels)) {
    const Tensor<S> logits = classifier.logits(samples);
    softmax_cross_entropy(logits, labels, loss);
    sum += static_cast<double>(loss.value) * static_cast<double>(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const S* x = logits.data() + static_cast<Index>(i) * all.classes;
      const auto greatest = static_cast<Label>(std::max_element(x, x + all.classes) - x);
      all.predicted.push_back(greatest);
      all.wrong += greatest != labels[i];
      if (counted) ++all.confusion[static_cast<std::size_t>(labels[i] * all.classes + greatest)];
    }
  }
  all.loss = sum / static_cast<double>(data.size());
  return all;
}

}  // namespace rival
