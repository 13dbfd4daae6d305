#pragma once
// How good the generated lines are while the training goes on, beside real ones and Markov chains.

#include <string>
#include <vector>

#include "common/losses.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/metrics/text_scores.hpp"
#include "rival/report/page.hpp"

class Scores {
 public:
  /// The names of the figures, as columns of a table.
  static const std::vector<std::string> names;
  struct Row {
    std::string what;
    std::vector<double> values;
  };

  /// Scores held-out lines and those of Markov chains of order 1 to 4, as many.
  Scores(const rival::Dataset& training, const rival::Dataset& held_out, rival::Random random);

  /// How many lines are scored.
  rival::Index count() const { return count_; }
  /// Scores as many of a generator's samples, after a step.
  void add(long step, const rival::Tensor<float>& made);

  /// Columns of the losses' table.
  Losses::Figures figures() const;
  /// "js4 0.123", for the progress; empty before the first time.
  std::string last() const;
  /// All rows as a text: real lines, Markov chains, and the generator after its last evaluation.
  std::string table() const;
  void add_to(rival::Page& page) const;

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

 private:
  struct Step {
    long step;
    std::vector<double> values;
  };

  std::vector<Row> rows() const;

  rival::Index count_;
  rival::TextScorer scorer_;
  std::vector<Row> fixed_;  ///< of what does not change
  std::vector<Step> steps_;
};
