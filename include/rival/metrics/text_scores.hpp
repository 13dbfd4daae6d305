#pragma once
// How good a generator of lines is: n-grams, whole lines, new lines.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "rival/metrics/ngrams.hpp"

namespace rival {

/// What is said of lines beside the lines of a training set.
struct TextScores {
  static constexpr std::array<Index, 5> n{1, 2, 3, 4, 6};  ///< symbols in the n-grams that are compared

  /// Jensen-Shannon divergence of the n-grams from those of the training set, for each n; see `jensen_shannon`. NaN for
  /// an n that is longer than the lines.
  std::array<double, n.size()> divergence{};
  double single = 0;    ///< share of lines that are one piece: at least one character, and no padding before the last
  double fresh = 0;     ///< share that does not come in the training set
  double distinct = 0;  ///< different lines, over all
  double unseen = 0;    ///< share that comes in lines that were held out: right, and not learnt by heart
};

/// Scores lines against a training set:
///
///     const TextScorer scorer(tokens_of(training), tokens_of(held_out));
///     const TextScores floor = scorer(tokens_of(held_out));       // what real lines have
///     const TextScores scores = scorer(tokens_of(generator.sample(held_out.size(), random)));
///
/// Divergences fall with the number of lines: compare sets of the same number only.
class TextScorer {
 public:
  /// Throws Error for lines of different lengths or symbols, and as Ngrams does.
  TextScorer(const Tokens& training, const Tokens& held_out) : length_(training.length), kinds_(training.kinds) {
    require_fitting(held_out);
    for (const Index size : TextScores::n)
      if (size <= length_) training_.emplace_back(training, size);
    seen_ = sorted(training);
    held_out_ = sorted(held_out);
  }

  /// Throws Error for lines of another length or other symbols, and for none.
  TextScores operator()(const Tokens& lines) const {
    require_fitting(lines);
    TextScores scores;
    scores.divergence.fill(std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < training_.size(); ++i)
      scores.divergence[i] = jensen_shannon(training_[i], Ngrams(lines, training_[i].n()));
    const auto count = static_cast<double>(lines.count());
    std::vector<Line> all = sorted(lines);
    for (const Line& line : all) {
      const auto end = std::find(line.begin(), line.end(), Label{0});
      scores.single += end != line.begin() && std::all_of(end, line.end(), [](Label symbol) { return symbol == 0; });
      scores.fresh += !std::binary_search(seen_.begin(), seen_.end(), line);
      scores.unseen += std::binary_search(held_out_.begin(), held_out_.end(), line) &&
                       !std::binary_search(seen_.begin(), seen_.end(), line);
    }
    scores.single /= count, scores.fresh /= count, scores.unseen /= count;
    scores.distinct = static_cast<double>(std::unique(all.begin(), all.end()) - all.begin()) / count;
    return scores;
  }

 private:
  using Line = std::u16string;

  void require_fitting(const Tokens& lines) const {
    internal::require_tokens("text scores", lines);
    require(lines.count() >= 1 && lines.length == length_ && lines.kinds == kinds_, "text scores: expected lines of ",
            length_, " symbols of ", kinds_, ", got ", lines.count(), " of ", lines.length, " of ", lines.kinds);
  }
  static std::vector<Line> sorted(const Tokens& lines) {
    std::vector<Line> all;
    for (Index i = 0; i < lines.count(); ++i) all.emplace_back(lines.line(i).begin(), lines.line(i).end());
    std::sort(all.begin(), all.end());
    return all;
  }

  Index length_, kinds_;
  std::vector<Ngrams> training_;
  std::vector<Line> seen_, held_out_;
};

}  // namespace rival
