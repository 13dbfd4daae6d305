#include "rival/data/distortion.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
#include <type_traits>
#include <utility>

#include "catch.hpp"
#include "fixture.hpp"

using namespace rival;
using rival_test::difference;
using rival_test::Fixture;

namespace {

bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

Tensor<float> random_images(const Shape& shape) {
  Tensor<float> images(shape);
  Random(4).fill_uniform(images, -1.0f, 1.0f);
  return images;
}

Tensor<float> distorted(const DistortionOptions& options, const Tensor<float>& images, std::uint64_t seed = 1) {
  Random random(seed);
  Tensor<float> changed;
  Distortion<> distort(options);
  distort(images, changed, random);
  return changed;
}

/// Images whose every pixel holds its column, counted from the middle: what is read there tells where from.
Tensor<float> columns(Index count, Index side) {
  Tensor<float> images({count, side, side, 1});
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i % side) - static_cast<float>(side - 1) / 2;
  return images;
}

}  // namespace

TEMPLATE_TEST_CASE("distortion: maps, bends and blurs as scipy does", "", float, double) {
  using S = TestType;
  const Fixture fixture("distortion_values");
  const auto image = fixture.tensor<S>("image"), map = fixture.tensor<S>("map"), noise = fixture.tensor<S>("noise");
  const auto number = [&](Index i) { return static_cast<double>(map[i]); };
  const internal::PixelMap back{number(0), number(1), number(2), number(3), number(4), number(5)};
  // Some 200 terms of size 1, and places that are off by some roundings of a size of 10.
  const double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-13;

  Tensor<S> offsets = noise, room({9 * 12});
  for (Index k = 0; k < 2; ++k) internal::blur(offsets.data() + k * 108, 9, 12, internal::gaussian(1.5), room.data());
  CHECK(difference(offsets, fixture.tensor<S>("blurred")) < tolerance);

  Tensor<S> out(image.shape());
  const auto check = [&](const S* bend, const std::optional<double>& fill, const char* name) {
    INFO(name);
    internal::warp(image.data(), image.shape(), back, bend, S(3), fill, out.data());
    CHECK(difference(out, fixture.tensor<S>(name)) < tolerance);
  };
  check(nullptr, {}, "mapped.nearest");
  check(nullptr, 0.25, "mapped.grid-constant");
  check(offsets.data(), {}, "bent.nearest");
  check(offsets.data(), 0.25, "bent.grid-constant");
}

TEST_CASE("distortion: without options nothing changes, and a flip mirrors") {
  const auto images = random_images({50, 7, 6, 3});
  CHECK(same(distorted({}, images), images));
  Tensor<float> mirrored(images.shape());
  for (Index row = 0; row < 50 * 7; ++row)
    for (Index j = 0; j < 6; ++j)
      std::copy_n(images.data() + (row * 6 + j) * 3, 3, mirrored.data() + (row * 6 + 5 - j) * 3);
  CHECK(same(distorted({.flip = 1}, images), mirrored));
  const auto some = distorted({.flip = 0.5}, images);
  Index flipped = 0, as_they_were = 0;
  for (Index n = 0; n < 50; ++n) {
    const float* one = some.data() + n * 126;
    flipped += std::equal(one, one + 126, mirrored.data() + n * 126);
    as_they_were += std::equal(one, one + 126, images.data() + n * 126);
  }
  CHECK(flipped + as_they_were == 50);
  CHECK(std::abs(flipped - 25) < 14);  // four deviations of 3.5
}

TEST_CASE("distortion: shifts, turns and scales by what the options say") {
  constexpr Index count = 2000, side = 9;
  const auto images = columns(count, side);
  const auto value = [](const Tensor<float>& of, Index n, Index i, Index j) {
    return static_cast<double>(of[(n * side + i) * side + j]);
  };
  const auto range = [&](const Tensor<float>& of, const auto& amount) {
    double least = 1e9, most = -1e9;
    for (Index n = 0; n < count; ++n) {
      const double a = amount(of, n);
      least = std::min(least, a), most = std::max(most, a);
    }
    return std::pair(least, most);
  };
  // Of 2000 uniform draws the first and the last hundredth are hit for sure: each is missed once in 10^8.
  const auto check = [](const std::pair<double, double>& got, double least, double most) {
    const double margin = (most - least) / 100;
    CHECK(got.first >= least - 1e-5);
    CHECK(got.first <= least + margin);
    CHECK(got.second >= most - margin);
    CHECK(got.second <= most + 1e-5);
  };
  // A pixel to the right of where it was reads what was to its left.
  check(range(distorted({.shift = 2}, images), [&](const auto& of, Index n) { return -value(of, n, 4, 4); }), -2, 2);
  // Turned anticlockwise by a, the pixel two above the middle is read from 2 sin a to its right.
  check(range(distorted({.rotate = 30}, images),
              [&](const auto& of, Index n) { return std::asin(value(of, n, 2, 4) / 2) * 180 / std::numbers::pi; }),
        -30, 30);
  check(range(distorted({.scale = 1.5}, images),
              [&](const auto& of, Index n) { return std::log(2 / value(of, n, 4, 6)); }),
        -std::log(1.5), std::log(1.5));
  check(range(distorted({.stretch = 1.5}, images),
              [&](const auto& of, Index n) { return std::log(2 / value(of, n, 4, 6)); }),
        -std::log(1.5), std::log(1.5));
}

TEST_CASE("distortion: elastic shifts and noise have the deviations that the options say") {
  const Index count = 100, side = 64;
  const auto images = columns(count, side);
  const auto deviation = [&](const Tensor<float>& changed) {
    double squares = 0, pixels = 0;
    for (Index n = 0; n < count; ++n)
      for (Index i = 20; i < 44; ++i)  // as far from the edges as the Gaussian reaches
        for (Index j = 20; j < 44; ++j) {
          const Index at = (n * side + i) * side + j;
          const double apart = static_cast<double>(changed[at]) - static_cast<double>(images[at]);
          squares += apart * apart, ++pixels;
        }
    return std::sqrt(squares / pixels);
  };
  // 100 images of some (24 / 8)^2 independent shifts: the deviation is known to 1 / sqrt(2 * 900), four times that.
  CHECK(deviation(distorted({.elastic = 1.5, .elastic_radius = 4}, images)) == Catch::Approx(1.5).epsilon(0.1));
  CHECK(deviation(distorted({.noise = 0.25}, images)) == Catch::Approx(0.25).epsilon(0.02));
}

TEST_CASE("distortion: the same bits on any number of threads, others with each call") {
  const DistortionOptions all{
      .shift = 2, .rotate = 10, .scale = 1.2, .stretch = 1.1, .elastic = 1, .flip = 0.5, .noise = 0.1, .fill = -1};
  const auto images = random_images({40, 20, 20, 1});
  const int before = threads();
  set_threads(1);
  const auto one = distorted(all, images);
  set_threads(before);
  CHECK(same(distorted(all, images), one));
  CHECK(!same(distorted(all, images, 2), one));

  Distortion<> distort(all);
  Random random(1);
  Tensor<float> first, second;
  distort(images, first, random);
  distort(images, second, random);
  CHECK(same(first, one));
  CHECK(!same(second, first));
}

TEST_CASE("distortion: refuses options out of range, and what are no images") {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(Distortion<>({.shift = -1}), "distortion: expected `shift` from 0 to 10000, got -1");
  CHECK_THROWS_WITH(Distortion<>({.shift = nan}), "distortion: expected `shift` from 0 to 10000, got nan");
  CHECK_THROWS_WITH(Distortion<>({.rotate = 181}), "distortion: expected `rotate` from 0 to 180, got 181");
  CHECK_THROWS_WITH(Distortion<>({.scale = 0.9}), "distortion: expected `scale` from 1 to 100, got 0.9");
  CHECK_THROWS_WITH(Distortion<>({.stretch = infinity}), "distortion: expected `stretch` from 1 to 100, got inf");
  CHECK_THROWS_WITH(Distortion<>({.elastic = -1}), "distortion: expected `elastic` from 0 to 10000, got -1");
  CHECK_THROWS_WITH(Distortion<>({.elastic_radius = 0}),
                    "distortion: expected `elastic_radius` from 0.1 to 10000, got 0");
  CHECK_THROWS_WITH(Distortion<>({.flip = 2}), "distortion: expected `flip` from 0 to 1, got 2");
  CHECK_THROWS_WITH(Distortion<>({.noise = 1e300}), "distortion: expected `noise` >= 0, got 1e+300");
  CHECK_THROWS_WITH(Distortion<>({.fill = nan}), "distortion: expected a finite `fill`, got nan");
  CHECK_THROWS_WITH(distorted({}, Tensor<float>({4, 3, 2})), "distortion: expected images N x H x W x C, got 4x3x2");
  Tensor<float> images({2, 3, 3, 1});
  Random random(1);
  Distortion<> distort;
  CHECK_THROWS_WITH(distort(images, images, random),
                    "distortion: expected another tensor to write to, got the images' own");
  // However far it goes, what lies outside is the edge, or `fill`.
  const auto far = distorted({.shift = 10'000, .scale = 100, .fill = 0.5}, Tensor<float>({100, 3, 3, 1}, 0.5f));
  CHECK((far.array() == 0.5f).all());
}
