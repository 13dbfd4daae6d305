#include <cmath>
#include "catch.hpp"

#include "rival/data/synthetic.hpp"

using namespace rival;
using Catch::Matchers::WithinAbs;

TEST_CASE("synthetic: the ring's centres lie evenly on a circle") {
  const auto ring = GaussianMixture::ring();
  REQUIRE(ring.modes() == 8);
  CHECK(ring.sigma == 0.01);
  const double s = std::sqrt(0.5);
  const double expected[8][2] = {{1, 0}, {s, s}, {0, 1}, {-s, s}, {-1, 0}, {-s, -s}, {0, -1}, {s, -s}};
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t axis = 0; axis < 2; ++axis) CHECK_THAT(ring.centres[i][axis], WithinAbs(expected[i][axis], 1e-12));
  CHECK(GaussianMixture::ring({.modes = 3, .radius = 2, .sigma = 0.5}).centres[0][0] == 2);
}

TEST_CASE("synthetic: the grid's centres are -4, -2, 0, 2, 4 along both axes") {
  const auto grid = GaussianMixture::grid();
  REQUIRE(grid.modes() == 25);
  CHECK(grid.sigma == 0.05);
  std::size_t i = 0;
  for (const double y : {-4, -2, 0, 2, 4})
    for (const double x : {-4, -2, 0, 2, 4}) CHECK((grid.centres[i++] == std::array<double, 2>{x, y}));
  CHECK((GaussianMixture::grid({.side = 2, .spacing = 3}).centres[3] == std::array<double, 2>{1.5, 1.5}));
}

TEST_CASE("synthetic: points have the mixture's moments") {
  for (const auto& mixture : {GaussianMixture::ring({.sigma = 0.1}), GaussianMixture::grid({.sigma = 0.1}),
                              GaussianMixture{{{5, 1}, {6, 1}, {5, 2}}, 0.3}}) {
    Tensor<double> points({20000, 2});
    Random random(3);
    mixture.sample(points, random);
    std::vector<double> of_mode(mixture.centres.size());
    double mean[2] = {}, squares = 0, near = 0;
    for (Index i = 0; i < 20000; ++i) {
      std::size_t nearest = 0;
      double least = 1e9;
      for (std::size_t k = 0; k < of_mode.size(); ++k) {
        const double dx = points(i, 0) - mixture.centres[k][0], dy = points(i, 1) - mixture.centres[k][1];
        if (dx * dx + dy * dy < least) least = dx * dx + dy * dy, nearest = k;
      }
      ++of_mode[nearest];
      near += least;
      for (Index axis = 0; axis < 2; ++axis)
        mean[axis] += points(i, axis) / 20000, squares += points(i, axis) * points(i, axis) / 20000;
    }
    const double variance = (squares - mean[0] * mean[0] - mean[1] * mean[1]) / 2;
    CHECK_THAT(std::sqrt(variance) / mixture.deviation(), WithinAbs(1, 0.02));
    const double even = 20000.0 / static_cast<double>(of_mode.size());
    if (mixture.sigma < 0.2) {  // where modes do not overlap
      CHECK_THAT(near / 20000 / (2 * mixture.sigma * mixture.sigma), WithinAbs(1, 0.05));
      for (const double count : of_mode) CHECK_THAT(count / even, WithinAbs(1, 0.2));
    }
  }
}

TEST_CASE("synthetic: a stream gives the same points again, and others when it goes on") {
  const auto ring = GaussianMixture::ring();
  Tensor<float> first({100, 2}), again({100, 2}), next({100, 2});
  Random random(7), same(7);
  ring.sample(first, random);
  ring.sample(next, random);
  ring.sample(again, same);
  CHECK((first.array() == again.array()).all());
  CHECK((first.array() != next.array()).any());
}

TEST_CASE("synthetic: refuses options and tensors that do not fit") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(GaussianMixture::ring({.modes = 0}),
                    ContainsSubstring("ring: expected positive modes, radius and sigma, got 0"));
  CHECK_THROWS_WITH(GaussianMixture::ring({.sigma = 0}), ContainsSubstring("ring: expected positive"));
  CHECK_THROWS_WITH(GaussianMixture::grid({.spacing = -1}),
                    ContainsSubstring("grid: expected positive side, spacing and sigma, got 5, -1"));
  Random random;
  Tensor<float> space({4, 3}), points({4, 2});
  CHECK_THROWS_WITH(GaussianMixture::ring().sample(space, random),
                    ContainsSubstring("expected a tensor of points, N x 2, got 4x3"));
  CHECK_THROWS_WITH(GaussianMixture{}.sample(points, random), ContainsSubstring("at least one centre"));
}
