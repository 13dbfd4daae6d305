#pragma once
// How alike two texts are in their n-grams: the Jensen-Shannon divergence of their distributions.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "rival/data/tokens.hpp"

namespace rival {

/// How often each n-gram comes in lines: n symbols side by side, from the first place to the last that leaves room for
/// n. Padding is a symbol like the others, so that n-grams tell where lines end.
class Ngrams {
 public:
  /// Throws Error unless 1 <= n <= the lines' length, without lines or whole ones, and when kinds^n has no room in 64
  /// bits.
  Ngrams(const Tokens& lines, Index n) : n_(n), kinds_(lines.kinds) {
    internal::require_tokens("n-grams", lines);
    require(n >= 1 && n <= lines.length, "n-grams: expected n from 1 to the ", lines.length, " symbols of a line, got ",
            n);
    require(lines.count() >= 1, "n-grams: expected at least one line, got none");
    std::uint64_t all = 1;
    for (Index i = 0; i < n; ++i) {
      require(all <= std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(lines.kinds),
              "n-grams: expected fewer than 2^64 that can be, got ", lines.kinds, "^", n);
      all *= static_cast<std::uint64_t>(lines.kinds);
    }
    std::vector<std::uint64_t> keys;
    keys.reserve(static_cast<std::size_t>(lines.count() * (lines.length - n + 1)));
    for (Index i = 0; i < lines.count(); ++i) {
      const auto line = lines.line(i);
      for (std::size_t from = 0; from + static_cast<std::size_t>(n) <= line.size(); ++from) {
        std::uint64_t key = 0;
        for (const Label symbol : line.subspan(from, static_cast<std::size_t>(n)))
          key = key * static_cast<std::uint64_t>(lines.kinds) + symbol;
        keys.push_back(key);
      }
    }
    std::sort(keys.begin(), keys.end());
    total_ = static_cast<Index>(keys.size());
    for (const std::uint64_t key : keys) {
      if (counts_.empty() || counts_.back().first != key) counts_.emplace_back(key, 0);
      ++counts_.back().second;
    }
  }

  /// Symbols in an n-gram.
  Index n() const { return n_; }
  /// Symbols that the n-grams are made of.
  Index kinds() const { return kinds_; }
  /// N-grams counted, the same ones again and again.
  Index total() const { return total_; }
  /// The n-grams that come, in increasing order, each as a number of `n` digits in base `kinds`, and how often.
  const std::vector<std::pair<std::uint64_t, Index>>& counts() const { return counts_; }

 private:
  Index n_, kinds_, total_ = 0;
  std::vector<std::pair<std::uint64_t, Index>> counts_;
};

/// The Jensen-Shannon divergence of two distributions of n-grams, in bits: (KL(p || m) + KL(q || m)) / 2 with m = (p +
/// q) / 2. 0: they are the same; 1: no n-gram comes in both. As the code of Gulrajani, Ahmed, Arjovsky, Dumoulin and
/// Courville, "Improved training of Wasserstein GANs", 2017, has it. Two samples of one distribution are apart, too,
/// and the further the fewer lines they have: say how far beside it.
///
/// Throws Error for n-grams of different n or symbols.
inline double jensen_shannon(const Ngrams& p, const Ngrams& q) {
  require(p.n() == q.n() && p.kinds() == q.kinds(),
          "jensen_shannon: expected n-grams of the same n and symbols, got n ", p.n(), " of ", p.kinds(), " and n ",
          q.n(), " of ", q.kinds());
  const auto share = [](Index count, const Ngrams& of) {
    return static_cast<double>(count) / static_cast<double>(of.total());
  };
  // a log2(a / m), half of a divergence's term.
  const auto term = [](double a, double b) { return a > 0 ? a / 2 * std::log2(2 * a / (a + b)) : 0.0; };
  double sum = 0;
  auto a = p.counts().begin(), b = q.counts().begin();
  while (a != p.counts().end() || b != q.counts().end()) {
    const bool from_a = b == q.counts().end() || (a != p.counts().end() && a->first <= b->first);
    const bool from_b = a == p.counts().end() || (b != q.counts().end() && b->first <= a->first);
    const double in_p = from_a ? share((a++)->second, p) : 0, in_q = from_b ? share((b++)->second, q) : 0;
    sum += term(in_p, in_q) + term(in_q, in_p);
  }
  return sum;
}

}  // namespace rival
