#pragma once
// What classify says of its classifier.

#include <string>
#include <vector>

#include "common/run.hpp"
#include "data.hpp"
#include "options.hpp"
#include "rival/image/grid.hpp"
#include "rival/train/evaluate.hpp"

/// What a run has learnt: the averaged classifier, with the statistics of plain training samples in the place of
/// distorted ones, and its errors on the test samples, epoch by epoch.
class Result {
 public:
  /// `averaged` is the trainer's, and goes on to change.
  Result(const rival::Classifier<>& averaged, const Data& data, const rival::Random& random)
      : averaged_(averaged), data_(data), random_(random), classifier_(averaged) {}

  /// As they are after that step.
  const rival::Classifier<>& classifier(long step);
  const rival::Classification& errors(long step);
  void add_epoch(const rival::StepReport& report);
  /// Share of the test samples, an epoch after the other.
  const std::vector<double>& epochs() const { return epochs_; }

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

 private:
  void refresh(long step);

  const rival::Classifier<>& averaged_;
  const Data& data_;
  rival::Random random_;
  long step_ = -1;
  rival::Classifier<> classifier_;
  rival::Classification errors_;
  std::vector<double> epochs_;
};

/// Settings, figures, the confusion table, which samples are wrong, and the layers.
std::string describe(const Options& options, const Run& run, const Data& data, Result& result);

/// The first 100 test pictures that are wrong, in the order of the summary; a black pixel if none is.
rival::Image mistakes(const rival::Dataset& test, const rival::Classification& found);
