#pragma once
// What classify says of its classifier.

#include <string>
#include <vector>

#include "common/run.hpp"
#include "data.hpp"
#include "options.hpp"
#include "rival/image/grid.hpp"
#include "rival/train/evaluate.hpp"

/// The errors on the test samples, epoch by epoch, and those of the present weights.
class TestErrors {
 public:
  TestErrors(const rival::Classifier<>& classifier, const rival::Dataset& test)
      : classifier_(classifier), test_(test) {}

  /// Of the weights as they are after that step.
  const rival::Classification& at(long step);
  void add_epoch(const rival::StepReport& report);
  /// Share of the test samples, an epoch after the other.
  const std::vector<double>& epochs() const { return epochs_; }

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

 private:
  const rival::Classifier<>& classifier_;
  rival::Dataset test_;
  long step_ = -1;
  rival::Classification now_;
  std::vector<double> epochs_;
};

/// Settings, figures, the confusion table, which samples are wrong, and the layers.
std::string describe(const Options& options, const Run& run, const Data& data, TestErrors& errors,
                     rival::Classifier<>& classifier);

/// The first 100 test pictures that are wrong, in the order of the summary; a black pixel if none is.
rival::Image mistakes(const rival::Dataset& test, const rival::Classification& found);
