#include "common/evaluations.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>

#include "common/network_files.hpp"
#include "rival/core/finite.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/report/page.hpp"

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

template <class F>
void each_tensor(rival::Generator<>& generator, const F& f) {
  const auto state = generator.state();
  for (auto* parameter : state.parameters) f(parameter->name, parameter->value);
  for (auto* buffer : state.buffers) f(buffer->name, buffer->value);
}

}  // namespace

Evaluations::Evaluations(const EvaluateOptions& options, const rival::Dataset& data) : every_(options.every) {
  if (every_ == 0) return;
  classifier_ = std::make_unique<rival::Classifier<>>(rival::load_classifier(options.classifier));
  const auto begin = Clock::now();
  evaluation_ = std::make_unique<rival::Evaluation<>>(*classifier_, data,
                                                      rival::EvaluationOptions{.samples = samples, .thorough = false});
  seconds_ = seconds_since(begin);
}
Evaluations::~Evaluations() = default;

bool Evaluations::step(const rival::StepReport& report, const rival::Generator<>& generator,
                       const std::function<Samples()>& fresh) {
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

Losses::Figures Evaluations::figures() const {
  if (every_ == 0) return {};
  return {{names.begin(), names.end()}, [this](long step) -> const double* {
            const auto row = std::lower_bound(rows_.begin(), rows_.end(), step,
                                              [](const Row& r, long wanted) { return r.step < wanted; });
            return row != rows_.end() && row->step == step ? row->values.data() : nullptr;
          }};
}

std::string Evaluations::last() const {
  if (rows_.empty()) return "";
  char text[64];
  std::snprintf(text, sizeof text, "frechet %.4g", rows_.back().values[0]);
  return text;
}

std::string Evaluations::summary(double seconds) const {
  if (rows_.empty()) return "";
  char text[256];
  std::snprintf(text, sizeof text,
                "frechet distance of %ld samples: last %.4g, best %.4g at step %ld, floor %.4g; %zu evaluations took "
                "%.1f s, %.0f %% of the time",
                static_cast<long>(evaluation_->count()), rows_.back().values[0], best_frechet_, best_step_, floor_,
                rows_.size(), seconds_, 100 * seconds_ / std::max(seconds, seconds_));
  return text;
}

void Evaluations::put(rival::CheckpointExtras& extras) const {
  if (rows_.empty()) return;
  rival::Tensor<double> numbers({static_cast<rival::Index>(rows_.size()), 1 + static_cast<rival::Index>(names.size())});
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
void Evaluations::take(const rival::CheckpointExtras& extras, const rival::Generator<>& generator) {
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

void add_evaluations(rival::Page& page, const Evaluations& evaluations) {
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

Evaluated evaluate_samples(const rival::Classifier<>* classifier, const rival::Dataset& real,
                           const rival::EvaluationOptions& options, const rival::Tensor<float>& samples,
                           rival::Labels classes) {
  const rival::Evaluation<> evaluation =
      classifier ? rival::Evaluation<>(*classifier, real, options) : rival::Evaluation<>(real, options);
  return {evaluation(samples, classes), evaluation.floors()};
}
