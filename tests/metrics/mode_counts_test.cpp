#include <cmath>
#include <limits>
#include "catch.hpp"

#include "rival/metrics/mode_counts.hpp"

using namespace rival;
using Catch::Matchers::WithinAbs;

namespace {

Tensor<float> points(std::initializer_list<std::pair<double, double>> all) {
  Tensor<float> tensor({static_cast<Index>(all.size()), 2});
  Index i = 0;
  for (const auto& [x, y] : all) {
    tensor(i, 0) = static_cast<float>(x);
    tensor(i++, 1) = static_cast<float>(y);
  }
  return tensor;
}

const GaussianMixture two{{{0, 0}, {1, 0}}, 0.1};

}  // namespace

TEST_CASE("mode counts: a sample counts within three sigma of the nearest centre") {
  const auto counts = count_modes(points({{0, 0.29}, {0, 0.31}, {-0.2, -0.2}, {1.29, 0}, {0.5, 0}, {9, 9}}), two);
  CHECK((counts.of_mode == std::vector<Index>{2, 1}));
  CHECK(counts.samples == 6);
  CHECK(counts.high_quality() == 3);
  CHECK(counts.covered() == 2);
  CHECK(counts.quality() == 0.5);
  CHECK_THAT(counts.kl(), WithinAbs(2.0 / 3 * std::log(4.0 / 3) + 1.0 / 3 * std::log(2.0 / 3), 1e-12));
  CHECK(count_modes(points({{0, 0.29}, {0.5, 0}}), two, 1).high_quality() == 0);
}

TEST_CASE("mode counts: KL is 0 for even modes, log K for one mode, infinite for none") {
  CHECK(count_modes(points({{0, 0}, {1, 0}}), two).kl() == 0);
  const auto one = count_modes(points({{1, 0}, {1, 0}, {1, 0.1}}), two);
  CHECK(one.covered() == 1);
  CHECK_THAT(one.kl(), WithinAbs(std::log(2.0), 1e-12));
  const auto none = count_modes(points({{5, 5}, {std::numeric_limits<double>::quiet_NaN(), 0}}), two);
  CHECK(none.covered() == 0);
  CHECK(none.quality() == 0);
  CHECK(none.kl() == std::numeric_limits<double>::infinity());
}

TEST_CASE("mode counts: real points cover all modes, and 98.9 % are of high quality") {
  for (const auto& mixture : {GaussianMixture::ring(), GaussianMixture::grid()}) {
    Tensor<float> real({25000, 2});
    Random random(1);
    mixture.sample(real, random);
    const auto counts = count_modes(real, mixture);
    CHECK(counts.covered() == mixture.modes());
    CHECK_THAT(counts.quality(), WithinAbs(1 - std::exp(-4.5), 0.003));
    CHECK(counts.kl() < 0.002);
  }
}

TEST_CASE("mode counts: refuses what are not points") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(count_modes(Tensor<float>({4, 3}), two),
                    ContainsSubstring("count_modes: expected points, N x 2, got 4x3"));
  CHECK_THROWS_WITH(count_modes(Tensor<float>({4, 2}), GaussianMixture{}), ContainsSubstring("at least one centre"));
}
