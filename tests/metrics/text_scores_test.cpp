#include "rival/metrics/text_scores.hpp"
#include "catch.hpp"

#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "rival/metrics/markov_chain.hpp"

using Catch::Matchers::Message;
using rival::Index;
using rival::Label;
using rival::MarkovChain;
using rival::Random;
using rival::TextScorer;
using rival::TextScores;
using rival::Tokens;

namespace {

std::set<std::vector<Label>> different(const Tokens& lines) {
  std::set<std::vector<Label>> all;
  for (Index i = 0; i < lines.count(); ++i) all.emplace(lines.line(i).begin(), lines.line(i).end());
  return all;
}

}  // namespace

TEST_CASE("text scores: shares of lines") {
  const Tokens training{3, 3, {1, 2, 0, 2, 2, 2}}, held_out{3, 3, {1, 1, 0, 1, 2, 0}};
  const TextScorer scorer(training, held_out);
  // Known by heart, twice; held out; a gap; nothing; begins with padding.
  const TextScores scores =
      scorer(Tokens{3, 3, {1, 2, 0, 1, 2, 0, 1, 1, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 2, 2, 2, 1, 2}});
  CHECK(scores.single == 5.0 / 8);
  CHECK(scores.fresh == 5.0 / 8);
  CHECK(scores.distinct == 7.0 / 8);
  CHECK(scores.unseen == 1.0 / 8);  // 1 2 0 was held out as well, but has been seen
  for (int i : {0, 1, 2}) CHECK(scores.divergence[static_cast<std::size_t>(i)] > 0);
  for (int i : {3, 4}) CHECK(std::isnan(scores.divergence[static_cast<std::size_t>(i)]));  // lines are no longer
  const TextScores same = scorer(training);
  for (int i : {0, 1, 2}) CHECK(same.divergence[static_cast<std::size_t>(i)] == 0);
  CHECK(same.fresh == 0);
  CHECK_THROWS_MATCHES(scorer(Tokens{2, 3, {1, 1}}), rival::Error,
                       Message("text scores: expected lines of 3 symbols of 3, got 1 of 2 of 3"));
  CHECK_THROWS_MATCHES(TextScorer(training, Tokens{3, 3, {}}), rival::Error,
                       Message("text scores: expected lines of 3 symbols of 3, got 0 of 3 of 3"));
}

TEST_CASE("markov chain: order by order it knows more") {
  // "aba", "abc", "bab".
  const Tokens lines{4, 4, {1, 2, 1, 0, 1, 2, 3, 0, 2, 1, 2, 0}};
  // Whatever begins must be a line's beginning and what follows must have followed.
  Random random(3);
  const auto first = different(MarkovChain(lines, 1).sample(2000, random));
  CHECK(first.count({1, 2, 1, 2}) == 1);  // goes on where no line did
  CHECK(first.count({2, 3, 0, 0}) == 1);
  for (const auto& line : first) CHECK(line[0] != 3);
  // Of order 3 nothing but the lines themselves is left.
  CHECK(different(MarkovChain(lines, 3).sample(200, random)) == different(lines));
}

TEST_CASE("markov chain: draws what follows as often as it followed") {
  const Tokens lines{2, 3, {1, 1, 1, 2, 1, 2, 2, 0}};
  Random random(7);
  const Index count = 20'000;
  const Tokens drawn = MarkovChain(lines, 1).sample(count, random);
  std::map<std::vector<Label>, double> share;
  for (Index i = 0; i < count; ++i)
    share[{drawn.line(i).begin(), drawn.line(i).end()}] += 1.0 / static_cast<double>(count);
  // Of 20,000 draws a share lies within 5 sqrt(p (1 - p) / 20,000) < 0.018 but once in a million times.
  CHECK(share[{1, 1}] == Approx(0.25).margin(0.018));
  CHECK(share[{1, 2}] == Approx(0.5).margin(0.018));
  CHECK(share[{2, 0}] == Approx(0.25).margin(0.018));
  CHECK(share.size() == 3);
  Random again(7);
  CHECK(MarkovChain(lines, 1).sample(count, again).values == drawn.values);
}

TEST_CASE("markov chain: refuses what it cannot be made of") {
  const Tokens lines{2, 3, {1, 1}};
  CHECK_THROWS_MATCHES(MarkovChain(lines, 0), rival::Error,
                       Message("markov chain: expected an order of at least 1, got 0"));
  CHECK_THROWS_MATCHES(MarkovChain(Tokens{2, 3, {}}, 1), rival::Error,
                       Message("markov chain: expected at least one line, got none"));
  CHECK_THROWS_MATCHES(MarkovChain(lines, 32), rival::Error,
                       Message("markov chain: expected fewer than 2^64 contexts, got 4^32"));
}
