#include "scores.hpp"

#include <algorithm>
#include <cstdio>

#include "rival/core/finite.hpp"
#include "rival/metrics/markov_chain.hpp"

namespace {

std::vector<double> values_of(const rival::TextScores& scores) {
  std::vector<double> values(scores.divergence.begin(), scores.divergence.end());
  values.insert(values.end(), {scores.single, scores.fresh, scores.distinct, scores.unseen});
  return values;
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

}  // namespace

const std::vector<std::string> Scores::names{"js1",    "js2", "js3",      "js4",     "js6",
                                             "single", "new", "distinct", "held_out"};

Scores::Scores(const rival::Dataset& training, const rival::Dataset& held_out, rival::Random random)
    : count_(held_out.size()), scorer_(rival::tokens_of(training), rival::tokens_of(held_out)) {
  fixed_.push_back({"held-out lines", values_of(scorer_(rival::tokens_of(held_out)))});
  const rival::Tokens lines = rival::tokens_of(training);
  for (rival::Index order = 1; order <= 4; ++order)
    fixed_.push_back({"Markov chain of order " + std::to_string(order),
                      values_of(scorer_(rival::MarkovChain(lines, order).sample(count_, random)))});
}

void Scores::add(long step, const rival::Tensor<float>& made) {
  // The next step says so itself, and ends the training.
  if (!std::all_of(made.data(), made.data() + made.size(), rival::is_finite<float>)) return;
  steps_.push_back({step, values_of(scorer_(rival::tokens_of(made)))});
}

Losses::Figures Scores::figures() const {
  return {names, [this](long step) -> const double* {
            const auto row = std::lower_bound(steps_.begin(), steps_.end(), step,
                                              [](const Step& one, long wanted) { return one.step < wanted; });
            return row != steps_.end() && row->step == step ? row->values.data() : nullptr;
          }};
}

std::string Scores::last() const { return steps_.empty() ? "" : "js4 " + rounded(steps_.back().values[3]); }

std::vector<Scores::Row> Scores::rows() const {
  std::vector<Row> all = fixed_;
  if (!steps_.empty())
    all.push_back({rival::internal::concatenate("generator, step ", steps_.back().step), steps_.back().values});
  return all;
}

std::string Scores::table() const {
  std::string text = "of " + std::to_string(count_) + " lines each";
  text.resize(26, ' ');
  for (const std::string& name : names) text += std::string(10 - name.size(), ' ') + name;
  text += '\n';
  for (const auto& [what, values] : rows()) {
    text += what + std::string(26 - std::min<std::size_t>(26, what.size()), ' ');
    for (const double value : values) text += "    " + rounded(value);
    text += '\n';
  }
  return text +
         "js: Jensen-Shannon divergence of n-grams from the training lines', bits; single: lines of one piece; new: "
         "not "
         "among the training lines; held_out: among those held out\n";
}

void Scores::add_to(rival::Page& page) const {
  std::vector<std::string> header{"of " + std::to_string(count_) + " lines each"};
  header.insert(header.end(), names.begin(), names.end());
  std::vector<std::vector<std::string>> cells;
  for (const auto& [what, values] : rows()) {
    std::vector<std::string> row{what};
    for (const double value : values) row.push_back(rounded(value));
    cells.push_back(std::move(row));
  }
  page.table("Divergence of n-grams from the training lines' (bits), and shares of lines", header, cells);
  if (steps_.empty()) return;
  std::vector<rival::Series> curves;
  for (std::size_t k = 0; k < names.size(); ++k) {
    rival::Series series{names[k], {}};
    for (const Step& one : steps_) {
      series.x.push_back(static_cast<double>(one.step));
      series.y.push_back(one.values[k]);
    }
    curves.push_back(std::move(series));
  }
  page.curves("Divergence of n-grams", "step", {curves.begin(), curves.begin() + 5});
  page.curves("Shares of lines", "step", {curves.begin() + 5, curves.end()});
}

void Scores::put(rival::CheckpointExtras& extras) const {
  const auto width = static_cast<rival::Index>(names.size());
  rival::Tensor<double> numbers({static_cast<rival::Index>(steps_.size()), 1 + width});
  for (rival::Index i = 0; i < numbers.dim(0); ++i) {
    const Step& one = steps_[static_cast<std::size_t>(i)];
    numbers(i, 0) = static_cast<double>(one.step);
    std::copy(one.values.begin(), one.values.end(), &numbers(i, 1));
  }
  extras.numbers["scores"] = std::move(numbers);
}

void Scores::take(const rival::CheckpointExtras& extras) {
  const rival::Tensor<double>& numbers = extras.numbers.at("scores");
  const rival::Index width = 1 + static_cast<rival::Index>(names.size());
  for (rival::Index i = 0; i < numbers.dim(0); ++i) {
    const double* const row = numbers.data() + i * width;
    steps_.push_back({static_cast<long>(row[0]), {row + 1, row + width}});
  }
}
