#pragma once
// How good the generator is while it trains: figures every so many steps, and the best generator of them.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/losses.hpp"
#include "common/samples.hpp"
#include "rival/gan/generator.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/io/network_file.hpp"
#include "rival/metrics/evaluation.hpp"
#include "rival/report/page.hpp"

struct EvaluateOptions {
  long every = 0;                    ///< steps; 0: never
  std::filesystem::path classifier;  ///< of such samples
};

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
  Evaluations(const EvaluateOptions& options, const rival::Dataset& data) : every_(options.every) {
    if (every_ == 0) return;
    classifier_ = std::make_unique<rival::Classifier<>>(rival::load_classifier(options.classifier));
    const auto begin = Clock::now();
    evaluation_ = std::make_unique<rival::Evaluation<>>(
        *classifier_, data, rival::EvaluationOptions{.samples = samples, .thorough = false});
    seconds_ = seconds_since(begin);
  }

  bool wanted() const { return every_ > 0; }

  /// Evaluates at its steps and at the last one. `fresh` gives Samples at the beginning of their streams. Returns
  /// whether it did.
  template <class Fresh>
  bool step(const rival::StepReport& report, const rival::Generator<>& generator, const Fresh& fresh) {
    if (every_ == 0 || (report.steps_done % every_ != 0 && report.steps_done != report.steps_in_all)) return false;
    const auto begin = Clock::now();
    const rival::Tensor<float> made = fresh().next(evaluation_->count());
    // The next step says so itself, and ends the training.
    if (!std::all_of(made.data(), made.data() + made.size(), rival::is_finite<float>)) return false;
    const auto table = (*evaluation_)(made);
    Row row{report.step, {}};
    for (std::size_t i = 0; i < names.size(); ++i) row.values[i] = rival::figure(table, names[i]).value;
    floor_ = rival::figure(table, names[0]).floor;
    if (!best_ || row.values[0] < best_frechet_) {
      best_frechet_ = row.values[0];
      best_step_ = row.step;
      if (best_)
        *best_ = generator;
      else
        best_.emplace(generator);
    }
    rows_.push_back(row);
    seconds_ += seconds_since(begin);
    return true;
  }

  const std::vector<Row>& rows() const { return rows_; }
  /// As columns of the losses' table; none unless evaluations are wanted.
  Losses::Figures figures() const {
    if (every_ == 0) return {};
    return {{names.begin(), names.end()}, [this](long step) -> const double* {
              const auto row = std::lower_bound(rows_.begin(), rows_.end(), step,
                                                [](const Row& r, long wanted) { return r.step < wanted; });
              return row != rows_.end() && row->step == step ? row->values.data() : nullptr;
            }};
  }
  /// "frechet 12.3 at step 500", for the progress; empty before the first time.
  std::string last() const {
    if (rows_.empty()) return "";
    char text[64];
    std::snprintf(text, sizeof text, "frechet %.4g", rows_.back().values[0]);
    return text;
  }
  /// Whether the last evaluation found the best generator so far.
  bool is_best() const { return !rows_.empty() && rows_.back().step == best_step_; }
  /// The generator of the least Frechet distance; there is one after the first evaluation.
  const std::optional<rival::Generator<>>& best() const { return best_; }

  /// What they came to, in a line, for a run of so many seconds.
  std::string summary(double seconds) const {
    if (rows_.empty()) return "";
    char text[256];
    std::snprintf(text, sizeof text,
                  "frechet distance of %ld samples: last %.4g, best %.4g at step %ld, floor %.4g; %zu evaluations took "
                  "%.1f s, %.0f %% of the time",
                  static_cast<long>(evaluation_->count()), rows_.back().values[0], best_frechet_, best_step_, floor_,
                  rows_.size(), seconds_, 100 * seconds_ / std::max(seconds, seconds_));
    return text;
  }

  /// Into a checkpoint, and out of it, where `generator` is one of the same structure.
  void put(rival::CheckpointExtras& extras) const {
    if (rows_.empty()) return;
    rival::Tensor<double> numbers(
        {static_cast<rival::Index>(rows_.size()), 1 + static_cast<rival::Index>(names.size())});
    for (rival::Index i = 0; i < numbers.dim(0); ++i) {
      const Row& row = rows_[static_cast<std::size_t>(i)];
      numbers(i, 0) = static_cast<double>(row.step);
      for (std::size_t k = 0; k < names.size(); ++k) numbers(i, 1 + static_cast<rival::Index>(k)) = row.values[k];
    }
    extras.numbers["evaluations"] = std::move(numbers);
    extras.numbers["seconds of evaluations"] = rival::Tensor<double>({1}, seconds_);
    rival::Generator<> best = *best_;  // whose state is to be listed
    each_tensor(best, [&](const std::string& name, const rival::Tensor<float>& value) {
      rival::Tensor<double> wide(value.shape());
      wide.array() = value.array().cast<double>();
      extras.numbers["best." + name] = std::move(wide);
    });
  }
  void take(const rival::CheckpointExtras& extras, const rival::Generator<>& generator) {
    const auto found = extras.numbers.find("evaluations");
    if (every_ == 0 || found == extras.numbers.end()) return;
    const rival::Tensor<double>& numbers = found->second;
    for (rival::Index i = 0; i < numbers.dim(0); ++i) {
      Row row{static_cast<long>(numbers(i, 0)), {}};
      for (std::size_t k = 0; k < names.size(); ++k) row.values[k] = numbers(i, 1 + static_cast<rival::Index>(k));
      if (rows_.empty() || row.values[0] < best_frechet_) best_frechet_ = row.values[0], best_step_ = row.step;
      rows_.push_back(row);
    }
    seconds_ += extras.numbers.at("seconds of evaluations")[0];
    best_.emplace(generator);
    each_tensor(*best_, [&](const std::string& name, rival::Tensor<float>& value) {
      value.array() = extras.numbers.at("best." + name).array().cast<float>();
    });
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
  template <class F>
  static void each_tensor(rival::Generator<>& generator, const F& f) {
    const auto state = generator.state();
    for (auto* parameter : state.parameters) f(parameter->name, parameter->value);
    for (auto* buffer : state.buffers) f(buffer->name, buffer->value);
  }

  long every_;
  std::unique_ptr<rival::Classifier<>> classifier_;
  std::unique_ptr<rival::Evaluation<>> evaluation_;
  std::vector<Row> rows_;
  std::optional<rival::Generator<>> best_;
  double best_frechet_ = 0, floor_ = 0, seconds_ = 0;
  long best_step_ = 0;
};

/// Curves of the figures, if there are any.
inline void add_evaluations(rival::Page& page, const Evaluations& evaluations) {
  if (evaluations.rows().empty()) return;
  std::vector<rival::Series> all;
  for (std::size_t k = 0; k < Evaluations::names.size(); ++k) {
    rival::Series series{Evaluations::names[k], {}};
    for (const auto& row : evaluations.rows()) {
      series.x.push_back(static_cast<double>(row.step));
      series.y.push_back(row.values[k]);
    }
    all.push_back(std::move(series));
  }
  page.curves("Frechet distance", "step", {all[0]});
  page.curves("Precision, recall, density, coverage", "step", {all.begin() + 1, all.end()});
}
