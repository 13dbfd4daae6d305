#pragma once
// How good the generator is while it trains: figures every so many steps, and the best generator of them.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/losses.hpp"
#include "common/samples.hpp"
#include "common/training_options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/generator.hpp"
#include "rival/metrics/evaluation.hpp"

namespace rival {
struct CheckpointExtras;
class Page;
}  // namespace rival

/// Evaluates 2,000 samples, always of the same latent vectors, in `step`, and keeps the generator of the least Frechet
/// distance. Training does not notice.
class Evaluations {
 public:
  /// The names of the figures, which are those of rival::Evaluation.
  static constexpr std::array<const char*, 5> names{"frechet", "precision", "recall", "density", "coverage"};
  struct Row {
    long step;
    std::array<double, names.size()> values;
  };
  static constexpr rival::Index samples = 2000;

  /// Throws rival::Error when the classifier cannot be read, or is of other samples than the data.
  Evaluations(const EvaluateOptions& options, const rival::Dataset& data);
  ~Evaluations();

  bool wanted() const { return every_ > 0; }

  /// Evaluates at its steps and at the last one. `fresh` gives Samples at the beginning of their streams. Returns
  /// whether it did.
  bool step(const rival::StepReport& report, const rival::Generator<>& generator,
            const std::function<Samples()>& fresh);

  const std::vector<Row>& rows() const { return rows_; }
  /// As columns of the losses' table; none unless evaluations are wanted.
  Losses::Figures figures() const;
  /// "frechet 12.3", for the progress; empty before the first time.
  std::string last() const;
  /// Whether the last evaluation found the best generator so far.
  bool is_best() const { return !rows_.empty() && rows_.back().step == best_step_; }
  /// The generator of the least Frechet distance; there is one after the first evaluation.
  const std::optional<rival::Generator<>>& best() const { return best_; }

  /// What they came to, in a line, for a run of so many seconds.
  std::string summary(double seconds) const;

  /// Into a checkpoint, and out of it, where `generator` is one of the same structure.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras, const rival::Generator<>& generator);

 private:
  long every_;
  std::unique_ptr<rival::Classifier<float>> classifier_;
  std::unique_ptr<rival::Evaluation<float>> evaluation_;
  std::vector<Row> rows_;
  std::optional<rival::Generator<>> best_;
  double best_frechet_ = 0, floor_ = 0, seconds_ = 0;
  long best_step_ = 0;
};

/// Curves of the figures, if there are any.
void add_evaluations(rival::Page& page, const Evaluations& evaluations);

/// What rival::Evaluation says of samples, by a classifier if there is one, and of as many real ones.
struct Evaluated {
  std::vector<rival::Figure> samples, real;
};
Evaluated evaluate_samples(const rival::Classifier<>* classifier, const rival::Dataset& real,
                           const rival::EvaluationOptions& options, const rival::Tensor<float>& samples,
                           rival::Labels classes);
