// The sliced Wasserstein distance and the pyramid of images, held against numpy and scipy.
#include "rival/metrics/sliced_wasserstein.hpp"

#include "catch.hpp"
#include "fixture.hpp"

using namespace rival;

namespace {

const rival_test::Fixture& values() {
  static const rival_test::Fixture fixture("metric_values");
  return fixture;
}

Tensor<double> rows(const Tensor<double>& from, Index count) {
  Tensor<double> some({count, from.dim(1)});
  std::copy_n(from.data(), some.size(), some.data());
  return some;
}

/// Images of noise, dark on the left by `slope`.
Tensor<> images(double slope, std::uint64_t seed) {
  Tensor<> all({64, 20, 20, 1});
  Random random(seed);
  random.fill_normal(all);
  for (Index i = 0; i < all.size(); ++i) all[i] += static_cast<float>(slope * static_cast<double>(i % 20) / 20);
  return all;
}

}  // namespace

TEST_CASE("sliced_wasserstein: scipy's value over given directions") {
  const auto real = rows(values().tensor<double>("real"), 45), fake = values().tensor<double>("fake");
  const auto directions = values().tensor<double>("directions");
  CHECK(sliced_wasserstein(real, fake, directions) == Catch::Approx(values().number("sliced")).epsilon(1e-12));
  CHECK(sliced_wasserstein(real, real, directions) == 0);
  CHECK_THROWS_WITH(sliced_wasserstein(values().tensor<double>("real"), fake, directions),
                    "sliced_wasserstein: expected as many vectors on both sides, got 60 and 45");
  CHECK_THROWS_WITH(sliced_wasserstein(real, fake, Tensor<double>({2, 4}, 1)),
                    "sliced_wasserstein: expected directions of 5 numbers, got 4");
}

TEST_CASE("patch_distances: the pyramid is scipy's, for odd and even sides") {
  const auto levels = internal::laplacian_pyramid(values().tensor<double>("images"), 3);
  REQUIRE(levels.size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(rival_test::difference(levels[i], values().tensor<double>("level" + std::to_string(i))) < 1e-14);
}

TEST_CASE("patch_distances: tells structure apart, at the size where it is") {
  const PatchDistanceOptions options{.patch = 5, .patches = 2000, .directions = 32, .least = 10};
  const auto same = patch_distances(images(0, 1), images(0, 2), options, Random(3));
  const auto other = patch_distances(images(0, 1), images(4, 2), options, Random(3));
  REQUIRE(same.size() == 2);
  CHECK(other[0] < 2 * same[0]);  // the slope is no fine structure
  CHECK(other[1] > 4 * same[1]);
  const auto again = patch_distances(images(0, 1), images(0, 2), options, Random(3));
  CHECK(again == same);
}

TEST_CASE("patch_distances: what does not fit is refused") {
  const Tensor<> a = images(0, 1);
  CHECK_THROWS_WITH(patch_distances(a, Tensor<>({2, 20, 20, 3}), {}, Random(1)),
                    "patch_distances: expected images of one shape, N x H x W x C, got 64x20x20x1 and 2x20x20x3");
  CHECK_THROWS_WITH(patch_distances(a, a, {.patch = 21, .least = 30}, Random(1)),
                    "patch_distances: expected a patch of at least 1, at most the 30 of `least` and the images of 20 x "
                    "20, got 21");
  CHECK_THROWS_WITH(patch_distances(a, a, {.directions = 0}, Random(1)),
                    "patch_distances: expected at least 1 patch and direction, got 65536 and 0");
}
