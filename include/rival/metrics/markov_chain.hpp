#pragma once
// Markov chains over symbols: what a text generator's figures are held against.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/data/tokens.hpp"

namespace rival {

/// A chain of order k draws each symbol of a line as it follows the k symbols before it in the lines that it was made
/// of; before a line's first symbol stands a mark. So its lines have the n-grams of those lines up to n = k + 1, and no
/// sense beyond.
class MarkovChain {
 public:
  /// Throws Error for an order below 1, without lines, and when (kinds + 1)^order has no room in 64 bits.
  MarkovChain(const Tokens& lines, Index order) : order_(order), length_(lines.length), kinds_(lines.kinds) {
    internal::require_tokens("markov chain", lines);
    require(order >= 1, "markov chain: expected an order of at least 1, got ", order);
    require(lines.count() >= 1, "markov chain: expected at least one line, got none");
    const auto base = static_cast<std::uint64_t>(kinds_) + 1;
    for (Index i = 0; i < order; ++i) {
      require(contexts_ <= std::numeric_limits<std::uint64_t>::max() / base,
              "markov chain: expected fewer than 2^64 contexts, got ", base, "^", order);
      contexts_ *= base;
    }
    steps_.reserve(lines.values.size());
    for (Index i = 0; i < lines.count(); ++i) {
      std::uint64_t context = beginning();
      for (const Label symbol : lines.line(i)) {
        steps_.emplace_back(context, symbol);
        context = after(context, symbol);
      }
    }
    std::sort(steps_.begin(), steps_.end());
  }

  /// How many symbols the next one depends on.
  Index order() const { return order_; }

  /// `count` lines, drawn from `random`.
  Tokens sample(Index count, Random& random) const {
    require(count >= 0, "markov chain: expected a count of at least 0, got ", count);
    Tokens lines{length_, kinds_, {}};
    lines.values.reserve(static_cast<std::size_t>(count * length_));
    for (Index i = 0; i < count; ++i) {
      std::uint64_t context = beginning();
      for (Index place = 0; place < length_; ++place) {
        const Label symbol = next(context, random);
        lines.values.push_back(symbol);
        context = after(context, symbol);
      }
    }
    return lines;
  }

 private:
  using Step = std::pair<std::uint64_t, Label>;  ///< the symbols before, as a number, and the one that follows

  /// `order` marks, each the digit `kinds`.
  std::uint64_t beginning() const { return contexts_ - 1; }
  std::uint64_t after(std::uint64_t context, Label symbol) const {
    const auto base = static_cast<std::uint64_t>(kinds_) + 1;
    return context % (contexts_ / base) * base + symbol;
  }

  Label next(std::uint64_t context, Random& random) const {
    const auto begin = std::lower_bound(steps_.begin(), steps_.end(), Step(context, 0));
    const auto end = std::upper_bound(begin, steps_.end(), Step(context, std::numeric_limits<Label>::max()));
    // A line's last symbols may come nowhere else: nothing follows them there, so padding does.
    if (begin == end) return 0;
    return (begin + random.below(end - begin))->second;
  }

  Index order_, length_, kinds_;
  std::uint64_t contexts_ = 1;  ///< that there can be
  std::vector<Step> steps_;     ///< of all lines, in order
};

}  // namespace rival
