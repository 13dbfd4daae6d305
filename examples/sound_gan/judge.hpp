#pragma once
// How good generated sounds are: what a classifier of real ones makes of them.

#include <optional>
#include <string>
#include <vector>

#include "common/spectrogram.hpp"
#include "rival/data/dataset.hpp"
#include "rival/train/classifier.hpp"

/// A classifier of spectrograms, trained on the training set, and what it makes of sounds that it has never met.
class Judge {
 public:
  /// Trains for `epochs`. `train` and `held_out` are sounds of the same classes.
  Judge(const Spectrograms& spectrograms, const rival::Dataset& train, const rival::Dataset& held_out,
        std::uint64_t seed, rival::Index epochs = 6);

  /// Share of the held-out sounds that it names rightly.
  double accuracy() const { return accuracy_; }
  /// Inception score (class_score) of the held-out sounds.
  double real_score() const { return real_score_; }

  struct Verdict {
    rival::Index samples = 0;
    double score = 0;                 ///< inception score
    std::optional<double> agreement;  ///< share that is heard as the class that was asked for, if one was
  };
  /// Of generated sounds as their spectrograms {N, frames, bands, 1}, and of the classes that they were to be.
  Verdict operator()(const rival::Tensor<float>& spectrograms, const std::vector<rival::Label>& labels) const;

  /// In a line.
  std::string describe(const Verdict& verdict) const;

 private:
  rival::Classifier<> classifier_;
  double accuracy_ = 0, real_score_ = 0;
};
