#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include "catch.hpp"

#include "rival/core/random.hpp"

// Every seed is fixed, so no test fails by chance. The bounds are such that a fault-free generator would pass with
// nearly every other seed too.

using Catch::Matchers::ContainsSubstring;
using rival::Index;
using rival::Random;
using rival::Tensor;

namespace {

struct KeepThreads {
  int before = rival::threads();
  ~KeepThreads() { rival::set_threads(before); }
};

template <class S>
bool same_bits(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0;
}

/// Kolmogorov and Smirnov's statistic times sqrt(n): above 1.95 with a probability of 0.001.
template <class S, class Distribution>
double kolmogorov_smirnov(Tensor<S>& draws, const Distribution& distribution) {
  std::sort(draws.data(), draws.data() + draws.size());
  const auto n = static_cast<double>(draws.size());
  double distance = 0;
  for (Index i = 0; i < draws.size(); ++i) {
    const double p = distribution(static_cast<double>(draws[i]));
    distance = std::max({distance, p - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - p});
  }
  return distance * std::sqrt(n);
}

double chi_square(const std::vector<double>& counts, double expected) {
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

constexpr Index million = 1'000'000;

}  // namespace

TEST_CASE("philox: the known answers that its authors publish") {
  using Words = std::array<std::uint32_t, 4>;
  using rival::internal::philox;
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: a stream counts blocks under its seed and number") {
  Random random(0);
  CHECK(random.bits() == 0xe169c58d6627e8d5);  // the first known answer above
  CHECK(random.position() == Random::Position{0, 0, 1});

  const Random::Position place{0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88};
  CHECK(Random(place).bits() == 0x94fdccebd16cfe09);  // the third
}

TEST_CASE("random: goes on from a stored position") {
  Random random(11);
  Tensor<float> skipped({37}), first({100}), second({100});
  random.fill_normal(skipped);
  random.uniform();
  const auto place = random.position();
  random.fill_normal(first);
  const double next = random.normal();
  Random again(place);
  again.fill_normal(second);
  CHECK(same_bits(first, second));
  CHECK(again.normal() == next);
  CHECK(again.position() == random.position());
}

TEST_CASE("random: seeds and streams differ, equal ones agree") {
  CHECK(Random(1).bits() != Random(2).bits());
  CHECK(Random(1).stream("a").bits() == Random(1).stream("a").bits());
  CHECK(Random(1).stream("a").bits() != Random(1).bits());
  CHECK(Random(1).stream("a").bits() != Random(2).stream("a").bits());
  CHECK(Random(1).stream("a").stream("b").bits() != Random(1).stream("b").stream("a").bits());
  CHECK(Random(1).stream("a").stream("b").bits() != Random(1).stream("ab").bits());

  Random drawn(1);
  drawn.skip(1000);
  CHECK(drawn.stream("a").position() == Random(1).stream("a").position());

  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 10'000; ++i) numbers.insert(Random(1).stream("layer" + std::to_string(i)).position().stream);
  CHECK(numbers.size() == 10'000);
}

TEST_CASE("random: streams do not correlate") {
  const Random parent(5);
  std::vector<Tensor<float>> draws(4, Tensor<float>({million / 10}));
  Random(parent).fill_normal(draws[0]);
  parent.stream("a").fill_normal(draws[1]);
  parent.stream("b").fill_normal(draws[2]);
  Random(6).fill_normal(draws[3]);
  // The mean of n products of independent normal numbers has deviation 1 / sqrt(n).
  const double bound = 4 / std::sqrt(static_cast<double>(million / 10));
  for (std::size_t i = 0; i < draws.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      INFO(i << ' ' << j);
      CHECK(std::abs((draws[i].array() * draws[j].array()).mean()) < bound);
    }
}

TEMPLATE_TEST_CASE("random: uniform numbers are uniform", "", float, double) {
  Random random(21);
  Tensor<TestType> draws({million});
  random.fill_uniform(draws, TestType(-2), TestType(3));
  CHECK(draws.array().minCoeff() >= TestType(-2));
  CHECK(draws.array().maxCoeff() < TestType(3));
  CHECK(kolmogorov_smirnov(draws, [](double x) { return (x + 2) / 5; }) < 1.95);
}

TEMPLATE_TEST_CASE("random: uniform numbers stay below the upper bound", "", float, double) {
  // Between two neighbouring numbers the upper half of all draws would be rounded up.
  Random random(22);
  const TestType high = std::nextafter(TestType(1), TestType(2));
  Tensor<TestType> draws({1000});
  random.fill_uniform(draws, TestType(1), high);
  CHECK(draws.array().maxCoeff() == TestType(1));
  CHECK(draws.array().minCoeff() == TestType(1));
  random.fill_uniform(draws, TestType(4), TestType(4));
  CHECK(draws.array().maxCoeff() == TestType(4));
  CHECK_THROWS_WITH(random.fill_uniform(draws, TestType(2), TestType(1)), ContainsSubstring("low <= high, got 2 to 1"));
  CHECK_THROWS_AS(random.fill_uniform(draws, TestType(0), std::numeric_limits<TestType>::quiet_NaN()), rival::Error);
}

TEMPLATE_TEST_CASE("random: normal numbers are normal", "", float, double) {
  Random random(23);
  Tensor<TestType> draws({million});
  random.fill_normal(draws);
  const auto n = static_cast<double>(million);
  const Eigen::ArrayXd x = draws.array().template cast<double>();
  // Deviations of the sample moments of normal numbers: sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n).
  CHECK(std::abs(x.mean()) < 4 * std::sqrt(1 / n));
  CHECK(std::abs(x.square().mean() - 1) < 4 * std::sqrt(2 / n));
  CHECK(std::abs(x.cube().mean()) < 4 * std::sqrt(15 / n));
  CHECK(std::abs(x.square().square().mean() - 3) < 4 * std::sqrt(96 / n));
  // Both members of a pair, and neighbouring pairs, are independent.
  for (const Index lag : {1, 2, 3, 4})
    CHECK(std::abs((x.head(million - lag) * x.tail(million - lag)).mean()) < 4 * std::sqrt(1 / n));
  // Tails: how many lie beyond a bound is binomial.
  for (const double bound : {2.0, 3.0, 4.0}) {
    const double p = 2 * normal_distribution(-bound);
    CHECK(std::abs(static_cast<double>((x.abs() > bound).count()) - n * p) < 4 * std::sqrt(n * p * (1 - p)));
  }
  CHECK(x.abs().maxCoeff() > 4.3);  // none of a million beyond: e^-17
  CHECK(x.abs().maxCoeff() < 6.8);  // the largest radius that 32 bits give is sqrt(66 log 2)
  CHECK(kolmogorov_smirnov(draws, normal_distribution) < 1.95);
}

TEMPLATE_TEST_CASE("random: mean and deviation of normal numbers", "", float, double) {
  Tensor<TestType> standard({1000}), moved({1000});
  Random(24).fill_normal(standard);
  Random random(24);
  random.fill_normal(moved, TestType(3), TestType(0.5));
  const double eps = static_cast<double>(std::numeric_limits<TestType>::epsilon());
  // Two roundings of numbers up to 5.
  const auto expected = TestType(3) + TestType(0.5) * standard.array();
  CHECK(static_cast<double>((moved.array() - expected).abs().maxCoeff()) < 10 * eps);
  random.fill_normal(moved, TestType(3), TestType(0));
  CHECK((moved.array() == TestType(3)).all());
  CHECK_THROWS_WITH(random.fill_normal(moved, TestType(0), TestType(-1)), ContainsSubstring("deviation >= 0, got -1"));
}

TEST_CASE("random: single numbers") {
  Random random(25);
  Tensor<double> uniform({100'000}), normal({100'000});
  for (Index i = 0; i < uniform.size(); ++i) uniform[i] = random.uniform();
  for (Index i = 0; i < normal.size(); ++i) normal[i] = random.normal();
  CHECK(uniform.array().minCoeff() >= 0);
  CHECK(uniform.array().maxCoeff() < 1);
  CHECK(kolmogorov_smirnov(uniform, [](double x) { return x; }) < 1.95);
  CHECK(kolmogorov_smirnov(normal, normal_distribution) < 1.95);
}

TEMPLATE_TEST_CASE("random: a number depends on its place alone", "", float, double) {
  // The first numbers of a fill of any size are those of a longer one, nothing behind them is written, and the stream
  // stands at the next whole block.
  constexpr Index per_block = 16 / static_cast<Index>(sizeof(TestType));
  const TestType untouched = TestType(-99);
  for (const bool normal : {false, true}) {
    const auto fill = [&](Random& random, Tensor<TestType>& tensor) {
      normal ? random.fill_normal(tensor) : random.fill_uniform(tensor);
    };
    Tensor<TestType> longer({3000});
    Random first(31);
    fill(first, longer);
    for (const Index size : {0, 1, 2, 3, 4, 5, 31, 33, 511, 512, 513, 1023, 1025, 2999}) {
      INFO("normal " << normal << ", size " << size);
      Random random(31);
      Tensor<TestType> part({3000}, untouched);
      part.resize({size});
      fill(random, part);
      CHECK(random.position().block == static_cast<std::uint64_t>((size + per_block - 1) / per_block));
      part.resize({3000});
      CHECK(std::memcmp(part.data(), longer.data(), static_cast<std::size_t>(size) * sizeof(TestType)) == 0);
      CHECK((part.array().tail(3000 - size) == untouched).all());
    }
    // In pieces of whole blocks a stream gives what it gives at once.
    Random pieces(31);
    Tensor<TestType> piece;
    Index done = 0;
    for (const Index size : {4, 508, 12, 512, 1024, 940}) {
      piece.resize({size});
      fill(pieces, piece);
      CHECK(std::memcmp(piece.data(), longer.data() + done, static_cast<std::size_t>(size) * sizeof(TestType)) == 0);
      done += size;
    }
    CHECK(done == 3000);
    CHECK(pieces.position() == first.position());
  }
}

TEMPLATE_TEST_CASE("random: the same bits on any number of threads", "", float, double) {
  const KeepThreads keep;
  Tensor<TestType> uniform[4], normal[4];
  for (int threads = 1; threads <= 4; ++threads) {
    rival::set_threads(threads);
    Random random(33);
    const auto i = static_cast<std::size_t>(threads - 1);
    uniform[i].resize({100'001});
    normal[i].resize({100'001});
    random.fill_uniform(uniform[i]);
    random.fill_normal(normal[i]);
    CHECK(same_bits(uniform[i], uniform[0]));
    CHECK(same_bits(normal[i], normal[0]));
  }
}

TEST_CASE("random: below is uniform and keeps its bounds") {
  Random random(41);
  std::vector<double> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts.at(static_cast<std::size_t>(random.below(7)));
  CHECK(chi_square(counts, 10'000) < 22.46);  // 6 degrees of freedom: above with a probability of 0.001
  CHECK(random.below(1) == 0);
  CHECK_THROWS_WITH(random.below(0), ContainsSubstring("expected a positive count, got 0"));
  CHECK_THROWS_WITH(random.below(-3), ContainsSubstring("got -3"));

  // A bare remainder of 64 bits would bring the lowest third three times in eight.
  const Index third = Index{1} << 61;
  int low = 0;
  for (int i = 0; i < 10'000; ++i) low += random.below(3 * third) < third ? 1 : 0;
  CHECK(std::abs(low / 10'000.0 - 1.0 / 3) < 4 * std::sqrt(2.0 / 9 / 10'000));
}

TEST_CASE("random: permutations") {
  Random random(42);
  std::vector<Index> order;
  for (const Index count : {0, 1, 2, 1000}) {
    random.permutation(count, order);
    std::vector<Index> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(static_cast<Index>(sorted.size()) == count);
    for (Index i = 0; i < count; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
  }
  std::vector<Index> unsorted(1000);
  for (Index i = 0; i < 1000; ++i) unsorted[static_cast<std::size_t>(i)] = i;
  CHECK(order != unsorted);

  // All 24 orders of four come up equally often.
  std::vector<double> counts(256);
  for (int i = 0; i < 48'000; ++i) {
    random.permutation(4, order);
    ++counts[static_cast<std::size_t>(order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3])];
  }
  std::erase(counts, 0.0);
  REQUIRE(counts.size() == 24);
  CHECK(chi_square(counts, 2000) < 49.73);  // 23 degrees of freedom: above with a probability of 0.001
}
