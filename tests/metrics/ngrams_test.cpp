#include "rival/metrics/ngrams.hpp"
#include "catch.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "rival/metrics/markov_chain.hpp"

using Catch::Matchers::Message;
using rival::Index;
using rival::jensen_shannon;
using rival::Label;
using rival::Ngrams;
using rival::Tokens;

namespace {

/// Lines of 6 symbols of 4, by a formula that a script can repeat.
Tokens formula(int count, int factor, int bend) {
  Tokens lines{6, 4, {}};
  for (int i = 0; i < count; ++i)
    for (int p = 0; p < 6; ++p) lines.values.push_back(static_cast<Label>((i * factor + p * p * bend + i * p) / 3 % 4));
  return lines;
}

}  // namespace

TEST_CASE("n-grams: counted at every place that leaves room, padding too") {
  const Ngrams bigrams(Tokens{3, 3, {1, 2, 0, 1, 2, 1}}, 2);  // 12 20, 12 21
  CHECK(bigrams.total() == 4);
  CHECK(bigrams.counts() == std::vector<std::pair<std::uint64_t, Index>>{{5, 2}, {6, 1}, {7, 1}});
  CHECK(Ngrams(Tokens{3, 3, {1, 2, 0, 1, 2, 1}}, 3).total() == 2);
}

TEST_CASE("jensen_shannon: values by hand") {
  const Tokens a{2, 2, {0, 0, 0, 1}}, b{2, 2, {1, 1, 0, 1}};
  CHECK(jensen_shannon(Ngrams(a, 1), Ngrams(a, 1)) == 0);
  // p = (3/4, 1/4), q = (1/4, 3/4), m = (1/2, 1/2): 1 - H(1/4).
  const double entropy = -(0.25 * std::log2(0.25) + 0.75 * std::log2(0.75));
  CHECK(jensen_shannon(Ngrams(a, 1), Ngrams(b, 1)) == Approx(1 - entropy).epsilon(1e-14));
  // {00, 01} and {11, 01}: half of each in common.
  CHECK(jensen_shannon(Ngrams(a, 2), Ngrams(b, 2)) == Approx(0.5).epsilon(1e-14));
  // Nothing in common: one bit, however many n-grams there are.
  CHECK(jensen_shannon(Ngrams(Tokens{1, 2, {0}}, 1), Ngrams(Tokens{1, 2, {1, 1, 1}}, 1)) == 1);
}

TEST_CASE("jensen_shannon: what a NumPy script has") {
  const Tokens a = formula(50, 7, 5), b = formula(40, 11, 3);
  const std::vector<std::pair<Index, double>> expected{
      {1, 0.003703278889875935}, {2, 0.061768004025250206}, {3, 0.7144934344312632}, {4, 1.0}, {6, 1.0}};
  for (const auto& [n, value] : expected) {
    INFO(n);
    CHECK(jensen_shannon(Ngrams(a, n), Ngrams(b, n)) == Approx(value).epsilon(1e-12));
    CHECK(jensen_shannon(Ngrams(b, n), Ngrams(a, n)) == Approx(value).epsilon(1e-12));
  }
}

TEST_CASE("n-grams: refuse what they cannot count") {
  const Tokens lines{3, 3, {1, 2, 0}};
  CHECK_THROWS_MATCHES(Ngrams(lines, 0), rival::Error,
                       Message("n-grams: expected n from 1 to the 3 symbols of a line, got 0"));
  CHECK_THROWS_MATCHES(Ngrams(lines, 4), rival::Error,
                       Message("n-grams: expected n from 1 to the 3 symbols of a line, got 4"));
  CHECK_THROWS_MATCHES(Ngrams(Tokens{3, 3, {}}, 1), rival::Error,
                       Message("n-grams: expected at least one line, got none"));
  CHECK_THROWS_MATCHES(Ngrams(Tokens{6, 2000, std::vector<Label>(6)}, 6), rival::Error,
                       Message("n-grams: expected fewer than 2^64 that can be, got 2000^6"));
  CHECK_THROWS_MATCHES(
      jensen_shannon(Ngrams(lines, 1), Ngrams(lines, 2)), rival::Error,
      Message("jensen_shannon: expected n-grams of the same n and symbols, got n 1 of 3 and n 2 of 3"));
}

TEST_CASE("n-grams: lines that are no lines are refused, by chains too") {
  using Catch::Matchers::ContainsSubstring;
  rival::Random random(1);
  for (const auto& [lines, why] : {std::pair<rival::Tokens, const char*>{{0, 2, {0, 1}}, "at least 1 symbol"},
                                   {{2, 0, {0, 1}}, "at least 1 symbol"},
                                   {{2, -1, {0, 1}}, "at least 1 symbol"},
                                   {{2, 2, {0, 1, 1}}, "whole lines of 2"},
                                   {{2, 2, {0, 4}}, "symbols from 0 to 1, got 4"}}) {
    CHECK_THROWS_WITH(rival::Ngrams(lines, 1), ContainsSubstring(why));
    CHECK_THROWS_WITH(rival::MarkovChain(lines, 1), ContainsSubstring(why));
  }
  CHECK_THROWS_WITH(rival::MarkovChain(rival::Tokens{2, 2, {0, 1}}, 1).sample(-1, random),
                    ContainsSubstring("at least 0, got -1"));
  CHECK_THROWS_WITH(rival::tokens_of(rival::Tensor<float>({2, 0, 3})), ContainsSubstring("tokens: expected samples"));
}
