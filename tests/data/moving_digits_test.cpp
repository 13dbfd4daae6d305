#include "rival/data/moving_digits.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "catch.hpp"

using namespace rival;

namespace {

/// Two pictures of 6 x 5: ink of 2 x 1 off their middle, and one dot.
Dataset dots() {
  std::vector<std::uint8_t> bytes(2 * 30, 0);
  bytes[1 * 5 + 3] = 100;
  bytes[2 * 5 + 3] = 200;
  bytes[30 + 4 * 5 + 1] = 50;
  return {{6, 5, 1}, std::move(bytes), {7, 2}, 10};
}

/// The centroid of frame t of a clip, in pixels, and all of its brightness.
struct Ink {
  double row = 0, column = 0, sum = 0;
};
Ink ink_in(const Dataset& clips, Index clip, Index t) {
  const Index size = clips.sample_shape()[1];
  Ink ink;
  for (Index p = 0; p < size * size; ++p) {
    const double value = clips.values(clip)[static_cast<std::size_t>(t * size * size + p)];
    ink.sum += value;
    ink.row += value * static_cast<double>(p / size);
    ink.column += value * static_cast<double>(p % size);
  }
  ink.row /= ink.sum;
  ink.column /= ink.sum;
  return ink;
}

/// One bright dot.
Dataset dot() { return {{1, 1, 1}, std::vector<std::uint8_t>{255}}; }

// Four bytes, each half a unit off at most, of 255: what rounding does to a dot's centroid, along each axis.
constexpr double rounding = 4 * 0.5 / 255;

}  // namespace

TEST_CASE("moving digits: each clip shows its digit in all frames, whole, with its class") {
  const Dataset clips = moving_digits(dots(), Random(3), {.clips = 5, .frames = 7, .size = 12, .digit = 4});
  REQUIRE(clips.size() == 5);
  CHECK(clips.sample_shape() == Shape{7, 12, 12, 1});
  CHECK(clips.classes() == 10);
  for (Index i = 0; i < 5; ++i) {
    CHECK(clips.label(i) == (i % 2 == 0 ? 7 : 2));
    for (Index t = 0; t < 7; ++t) CHECK(ink_in(clips, i, t).sum == Approx(i % 2 == 0 ? 300 : 50).margin(3));
  }
}

TEST_CASE("moving digits: at whole pixels a digit is as it came") {
  // Without a way to go it lies in the middle of its square.
  const Dataset clips = moving_digits(dots(), Random(3), {.clips = 1, .frames = 2, .size = 6, .digit = 6});
  for (Index t = 0; t < 2; ++t)
    for (Index p = 0; p < 36; ++p)
      CHECK(int{clips.values(0)[static_cast<std::size_t>(36 * t + p)]} == (p == 14 ? 100 : p == 20 ? 200 : 0));
}

TEST_CASE("moving digits: a digit goes straight on, and is thrown back by the edges") {
  constexpr double way = 100, speed = 10;
  const Dataset clips =
      moving_digits(dot(), Random(1), {.clips = 50, .frames = 40, .size = 101, .digit = 1, .speed = speed});
  Index bounces = 0, straight = 0;
  for (Index i = 0; i < clips.size(); ++i) {
    std::vector<Ink> at;
    for (Index t = 0; t < 40; ++t) at.push_back(ink_in(clips, i, t));
    const auto at_edge = [](double place) { return place < rounding || place > way - rounding; };
    for (std::size_t t = 1; t + 1 < at.size(); ++t) {
      for (const auto& [before, here, after] : {std::array{at[t - 1].row, at[t].row, at[t + 1].row},
                                                std::array{at[t - 1].column, at[t].column, at[t + 1].column}}) {
        // An edge cuts a step short, and turns the next one round.
        if (at_edge(here) || at_edge(after)) {
          bounces += at_edge(here);
          continue;
        }
        ++straight;
        CHECK(std::abs((after - here) - (here - before)) <= 4 * rounding);
      }
      const auto inside = [&](const Ink& ink) { return !at_edge(ink.row) && !at_edge(ink.column); };
      if (inside(at[t]) && inside(at[t + 1]))
        CHECK(std::hypot(at[t + 1].row - at[t].row, at[t + 1].column - at[t].column) ==
              Approx(speed).margin(4 * rounding));
    }
  }
  CHECK(bounces > 100);  // each axis meets an edge about 2.5 times in 40 frames
  CHECK(straight > 2000);
}

TEST_CASE("moving digits: a stream gives the same clips again, another one others") {
  const auto clips = [](std::uint64_t seed) { return moving_digits(dots(), Random(seed), {.clips = 4, .digit = 4}); };
  CHECK(clips(1).fingerprint() == clips(1).fingerprint());
  CHECK(clips(1).fingerprint() != clips(2).fingerprint());
  // More clips begin with the same ones.
  const Dataset more = moving_digits(dots(), Random(1), {.clips = 9, .digit = 4});
  CHECK(more.part(0, 4).fingerprint() == clips(1).fingerprint());
}

TEST_CASE("moving digits: starts and directions are even") {
  const Dataset clips =
      moving_digits(dot(), Random(2), {.clips = 4000, .frames = 2, .size = 101, .digit = 1, .speed = 10});
  std::array<double, 4> mean{};
  for (Index i = 0; i < clips.size(); ++i) {
    const Ink a = ink_in(clips, i, 0), b = ink_in(clips, i, 1);
    const double values[] = {a.row, a.column, b.row - a.row, b.column - a.column};
    for (std::size_t k = 0; k < 4; ++k) mean[k] += values[k] / 4000;
  }
  // Four standard errors: 29 / sqrt(4000) of a place, 7.1 / sqrt(4000) of a step.
  CHECK(mean[0] == Approx(50).margin(1.9));
  CHECK(mean[1] == Approx(50).margin(1.9));
  CHECK(mean[2] == Approx(0).margin(0.5));
  CHECK(mean[3] == Approx(0).margin(0.5));
}

TEST_CASE("moving digits: an empty picture gives empty frames") {
  const Dataset clips = moving_digits({{3, 3, 1}, std::vector<std::uint8_t>(9, 0)}, Random(1), {.clips = 1});
  CHECK(std::ranges::count(clips.values(0), 0) == 16 * 32 * 32);
  CHECK(!clips.has_labels());
}

TEST_CASE("moving digits: what cannot be is refused") {
  const Random random;
  CHECK_THROWS_WITH(moving_digits({{2, 2, 3}, std::vector<std::uint8_t>(12)}, random),
                    "moving digits: expected grey pictures {height, width, 1}, got 1 of 2x2x3");
  CHECK_THROWS_WITH(moving_digits(dots(), random, {.digit = 1}),
                    "moving digits: expected ink within 1x1 pixels, got 2x1 in picture 0");
  CHECK_THROWS_WITH(moving_digits(dots(), random, {.clips = 0}),
                    "moving digits: expected at least 1 clip of at least 1 frame, got 0 of 16");
  CHECK_THROWS_WITH(moving_digits(dots(), random, {.size = 8, .digit = 9}),
                    "moving digits: expected frames of 1 to 4096 pixels, and a digit that fits into them, got 8 and 9");
  CHECK_THROWS_WITH(moving_digits(dots(), random, {.speed = -1}),
                    "moving digits: expected a speed from 0 to 4096, got -1");
  CHECK_THROWS_WITH(moving_digits(dots(), random, {.clips = Index{1} << 60}),
                    Catch::StartsWith("moving digits: expected clips of less than 1 TB in all, got "));
  CHECK_THROWS_WITH(moving_digits({{1, 1, 1}, std::vector<float>{0}}, random),
                    "data set: its values are of another type");
}
