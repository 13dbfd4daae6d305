// Frechet and kernel distance, nearest samples, precision and the like, held against numpy and scipy.
#include <cmath>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/core/random.hpp"
#include "rival/metrics/frechet.hpp"
#include "rival/metrics/kernel_distance.hpp"
#include "rival/metrics/neighbours.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

const rival_test::Fixture& values() {
  static const rival_test::Fixture fixture("metric_values");
  return fixture;
}

/// Both are computed in double, in other orders: some thousand roundings of 1e-16 apart.
Catch::Approx near(double value) { return Catch::Approx(value).epsilon(1e-9); }

/// Normal vectors {count, 4} with deviations 1, 2, 3, 4 times `scale` around `mean`.
Tensor<double> normals(Index count, double mean, double scale, std::uint64_t seed) {
  Random random(seed);
  Tensor<double> points({count, 4});
  random.fill_normal(points);
  for (Index i = 0; i < count; ++i)
    for (Index k = 0; k < 4; ++k) points(i, k) = mean + scale * static_cast<double>(k + 1) * points(i, k);
  return points;
}

}  // namespace

TEST_CASE("moments: parts give what the whole gives, in any cut") {
  const auto real = values().tensor<double>("real");
  Moments whole(5), parts(5);
  whole.add(real);
  for (Index begin = 0, size = 1; begin < 60; begin += size, size = std::min<Index>(2 * size, 60 - begin)) {
    Tensor<float> part({size, 5});
    for (Index i = 0; i < part.size(); ++i) part[i] = static_cast<float>(real[begin * 5 + i]);
    parts.add(part);
  }
  REQUIRE(parts.count() == 60);
  CHECK(rival_test::difference(parts.mean(), whole.mean()) < 1e-6);  // floats were added
  CHECK(rival_test::difference(parts.covariance(), whole.covariance()) < 1e-6);
  Eigen::MatrixXd centred = real.matrix();
  centred.rowwise() -= centred.colwise().mean().eval();
  const Eigen::MatrixXd covariance = centred.transpose() * centred / 59;
  CHECK((whole.covariance().matrix() - covariance).cwiseAbs().maxCoeff() < 1e-13 * covariance.cwiseAbs().maxCoeff());
}

TEST_CASE("moments: a large mean costs no digits of the covariance") {
  const auto real = values().tensor<double>("real");
  Tensor<double> far(real);
  far.array() += 1e6;
  Moments near_0(5), of_far(5);
  for (Index part = 0; part < 3; ++part)
    for (auto [moments, from] : {std::pair<Moments*, const Tensor<double>*>{&near_0, &real}, {&of_far, &far}}) {
      Tensor<double> rows({20, 5});
      std::copy_n(from->data() + part * 100, 100, rows.data());
      moments->add(rows);
    }
  CHECK(rival_test::difference(of_far.covariance(), near_0.covariance()) < 1e-9);  // 1e6 itself rounds to 1e-10
}

TEST_CASE("moments: what does not fit is refused, and adds nothing") {
  Moments moments(2);
  CHECK_THROWS_WITH(Moments(0), "moments: expected at least 1 feature, got 0");
  CHECK_THROWS_WITH(moments.add(Tensor<>({3, 4})), "moments: expected samples of 2 features, got 4");
  CHECK_THROWS_WITH(moments.add(Tensor<>({4})), "moments: expected features N x D, got 4");
  Tensor<> bad({2, 2});
  bad[3] = std::nanf("");
  CHECK_THROWS_WITH(moments.add(bad), "moments: expected finite features, got nan in sample 1");
  CHECK(moments.count() == 0);
  CHECK_THROWS_WITH(moments.covariance(), "moments: expected at least 2 samples for a covariance, got 0");
}

TEST_CASE("frechet_distance: scipy's value, and 0 of a set to itself") {
  const auto real = values().tensor<double>("real"), fake = values().tensor<double>("fake");
  CHECK(frechet_distance(real, fake) == near(values().number("frechet")));
  CHECK(frechet_distance(fake, real) == near(values().number("frechet")));
  // What is left of two sums of the order of the covariance's trace, each right to some units in the last place.
  Moments moments(real.dim(1));
  moments.add(real);
  CHECK(frechet_distance(real, real) <
        1e-14 * static_cast<double>(real.dim(1)) * moments.covariance().matrix().trace());
}

TEST_CASE("frechet_distance: normal distributions, whose distance has a closed form") {
  // Between N(a, s^2 D^2) and N(b, t^2 D^2), D = diag(1, 2, 3, 4): 4 (a - b)^2 + (s - t)^2 (1 + 4 + 9 + 16).
  const double expected = 4 * 0.25 + 0.25 * 30;
  const double found = frechet_distance(normals(40'000, 1, 1, 1), normals(40'000, 0.5, 1.5, 2));
  CHECK(found == Catch::Approx(expected).epsilon(0.02));  // the sampling error of 40,000 is some thousandths
}

TEST_CASE("frechet_distance: a feature that never changes, and features that repeat each other") {
  Tensor<double> flat = normals(50, 0, 1, 3);
  for (Index i = 0; i < 50; ++i) flat(i, 2) = 7, flat(i, 1) = flat(i, 0);
  Tensor<double> moved(flat);
  for (Index i = 0; i < 50; ++i) moved(i, 2) = 9;
  // Roots are taken of eigenvalues that rounding leaves at 1e-15 in place of 0.
  CHECK(frechet_distance(flat, moved) == Catch::Approx(4).epsilon(1e-6));
}

TEST_CASE("frechet_distance: fewer samples than features, or other features, are refused") {
  CHECK_THROWS_WITH(frechet_distance(Tensor<>({4, 5}, 1.0f), Tensor<>({9, 5}, 1.0f)),
                    "frechet_distance: expected at least as many samples as 5 features, and 2, got 4");
  CHECK_THROWS_WITH(frechet_distance(Tensor<>({9, 5}, 1.0f), Tensor<>({9, 4}, 1.0f)),
                    "frechet_distance: expected the same number of features, got 5 and 4");
}

TEST_CASE("kernel_distance: numpy's value") {
  const auto real = values().tensor<double>("real"), fake = values().tensor<double>("fake");
  CHECK(kernel_distance(real, fake) == near(values().number("kernel")));
}

TEST_CASE("kernel_distance: subsets of one law lie around 0, of two laws around their distance") {
  const auto a = normals(600, 0, 1, 4), b = normals(500, 0, 1, 5), c = normals(500, 1, 1, 6);
  const KernelDistanceOptions options{.subsets = 20, .samples = 200};
  const Estimate same = kernel_distance(a, b, options, Random(1)), apart = kernel_distance(a, c, options, Random(1));
  CHECK(std::abs(same.mean) < same.deviation);
  CHECK(apart.mean == Catch::Approx(kernel_distance(a, c)).margin(apart.deviation));
  CHECK(apart.mean > 3 * same.deviation);
  const Estimate all = kernel_distance(a, c, {.subsets = 3, .samples = 1000}, Random(1));
  CHECK(all.mean == near(kernel_distance(a, c)));  // a side with fewer samples is taken whole
  CHECK(all.deviation < 1e-9 * all.mean);
  CHECK_THROWS_WITH(kernel_distance(a, b, {.subsets = 0}, Random(1)),
                    "kernel_distance: expected at least 1 subset of at least 2 samples, got 0 of 1000");
}

TEST_CASE("manifold_metrics: numpy's values, for 3 and 5 neighbours") {
  const auto real = values().tensor<double>("real"), fake = values().tensor<double>("fake");
  for (const Index k : {3, 5}) {
    const auto expected = values().tensor<double>(k == 3 ? "manifold3" : "manifold5");
    const ManifoldMetrics found = manifold_metrics(real, fake, {.nearest = k});
    CHECK(found.precision == near(expected[0]));
    CHECK(found.recall == near(expected[1]));
    CHECK(found.density == near(expected[2]));
    CHECK(found.coverage == near(expected[3]));
  }
}

TEST_CASE("manifold_metrics: a set against itself, a part of it, and something far away") {
  const auto real = normals(300, 0, 1, 7), far = normals(300, 1000, 1, 8);
  const ManifoldMetrics same = manifold_metrics(real, real);
  CHECK(same.precision == 1);
  CHECK(same.recall == 1);
  CHECK(same.coverage == 1);
  CHECK(same.density == near(4.0 / 3));  // in each ball are its three neighbours and its centre
  const ManifoldMetrics apart = manifold_metrics(real, far);
  CHECK(apart.precision == 0);
  CHECK(apart.recall == 0);
  CHECK(apart.density == 0);
  CHECK(apart.coverage == 0);
}

TEST_CASE("manifold_metrics: the same bits on any number of threads") {
  const auto real = normals(500, 0, 1, 9), fake = normals(400, 0.3, 1, 10);
  const int before = threads();
  set_threads(1);
  const ManifoldMetrics one = manifold_metrics(real, fake);
  const double distance = frechet_distance(real, fake), kernel = kernel_distance(real, fake);
  set_threads(3);
  const ManifoldMetrics three = manifold_metrics(real, fake);
  CHECK(one.density == three.density);
  CHECK(frechet_distance(real, fake) == distance);
  CHECK(kernel_distance(real, fake) == kernel);
  set_threads(before);
}

TEST_CASE("manifold_metrics: too few samples, and neighbours that there are not") {
  CHECK_THROWS_WITH(manifold_metrics(Tensor<>({3, 2}, 1.0f), Tensor<>({9, 2}, 1.0f)),
                    "manifold_metrics: expected `nearest` from 1 to 2, below both numbers of samples, got 3");
  CHECK_THROWS_WITH(manifold_metrics(Tensor<>({9, 2}, 1.0f), Tensor<>({9, 2}, 1.0f), {.nearest = 0}),
                    ContainsSubstring("got 0"));
}

TEST_CASE("nearest: numpy's neighbours") {
  const auto real = values().tensor<double>("real"), fake = values().tensor<double>("fake");
  const Nearest found = nearest(fake, real);
  for (std::size_t i = 0; i < found.which.size(); ++i) {
    CHECK(static_cast<double>(found.which[i]) == values().tensor<double>("nearest_which")[static_cast<Index>(i)]);
    CHECK(found.distance[i] == near(values().tensor<double>("nearest_distance")[static_cast<Index>(i)]));
  }
  const Nearest of_itself = nearest(real, real);
  for (std::size_t i = 0; i < of_itself.which.size(); ++i) {
    CHECK(of_itself.which[i] == static_cast<Index>(i));
    CHECK(of_itself.distance[i] < 1e-6);  // the root of what rounding leaves of squares of some 100
  }
}
