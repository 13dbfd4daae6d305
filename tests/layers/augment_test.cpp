#include "rival/layers/augment.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "gradient_check.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/nn/network.hpp"

namespace {

using namespace rival;
using rival::test::check_gradients;

template <class S>
Augment<S> named(const AugmentOptions& options, const std::string& name = "D.augment1", std::uint64_t seed = 5) {
  Augment<S> layer(options);
  layer.set_name(name);
  layer.initialise(normal<S>(), Random(seed));
  return layer;
}

bool equal(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && (a.array() == b.array()).all();
}

/// Pixel (i, j) of each image holds 1 + i w + j.
Tensor<double> numbered(Index count, Index h, Index w) {
  Tensor<double> x({count, h, w, 1});
  for (Index k = 0; k < x.size(); ++k) x[k] = static_cast<double>(1 + k % (h * w));
  return x;
}

const AugmentOptions all{.translation = 0.25, .cutout = 0.5, .brightness = 0.5};

}  // namespace

TEST_CASE("augment: gradients") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    check_gradients(Augment<double>(all), {4, 5, 7, 2}, {.seed = seed});
    check_gradients(Augment<double>({.translation = 0.3}), {5, 4, 6, 1}, {.seed = seed});
    check_gradients(Augment<double>({.translation = 1}), {5, 3, 2, 3}, {.seed = seed});
    check_gradients(Augment<double>({.cutout = 0.4}), {4, 5, 7, 2}, {.seed = seed});
    check_gradients(Augment<double>({.brightness = 1}), {3, 2, 3, 2}, {.seed = seed});
  }
  check_gradients(Augment<double>({}), {3, 2, 3, 2});
  check_gradients(Sequential<double>(Augment<double>(all), Conv2d<double>({.in = 2, .out = 3})), {4, 5, 7, 2});
}

TEST_CASE("augment: evaluation is the identity, without a copy") {
  const auto layer = named<float>(all);
  const Tensor<float> x({3, 4, 5, 2}, 1.5f);
  Trace<float> trace;
  CHECK(layer.forward(x, trace, {.mode = Mode::eval}).data() == x.data());
}

TEST_CASE("augment: without options training is the identity too") {
  const auto layer = named<float>({});
  Tensor<float> x({3, 4, 5, 2});
  Random(1).fill_normal(x);
  Trace<float> trace;
  CHECK(equal(layer.forward(x, trace, {}), x));
}

TEST_CASE("augment: shifts go evenly over all whole pixels in their range, and zeros move in") {
  const Index h = 8, w = 16, count = 10'000;
  const auto layer = named<double>({.translation = 0.125});  // 1 pixel and 2
  const Tensor<double> x = numbered(count, h, w);
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  std::map<std::pair<Index, Index>, int> seen;
  for (Index n = 0; n < count; ++n) {
    // Whatever the shift, pixel (4, 8) is in the image: its value says where it came from.
    const auto from = static_cast<Index>(y(n, 4, 8, 0)) - 1;
    const Index down = 4 - from / w, right = 8 - from % w;
    ++seen[{down, right}];
    bool good = true;
    for (Index i = 0; i < h; ++i)
      for (Index j = 0; j < w; ++j) {
        const Index a = i - down, b = j - right;
        good &= y(n, i, j, 0) == (a >= 0 && a < h && b >= 0 && b < w ? static_cast<double>(1 + a * w + b) : 0.0);
      }
    if (!good) FAIL("image " << n << " is not shifted by " << down << ", " << right);
  }
  CHECK(seen.size() == 3 * 5);
  const double expected = static_cast<double>(count) / 15;
  for (const auto& [shift, times] : seen) {
    INFO("shift " << shift.first << ", " << shift.second);
    CHECK(std::abs(shift.first) <= 1);
    CHECK(std::abs(shift.second) <= 2);
    CHECK(std::abs(times - expected) < 5 * std::sqrt(expected));
  }
}

TEST_CASE("augment: cuts a rectangle of its share, whose centre lies anywhere in the image") {
  const Index h = 6, w = 10, count = 10'000;
  const auto layer = named<double>({.cutout = 0.5});  // 3 rows and 5 columns
  const Tensor<double> x({count, h, w, 2}, 1.0);
  Trace<double> trace;
  const Tensor<double>& y = layer.forward(x, trace, {});
  std::map<std::pair<Index, Index>, int> seen;
  for (Index n = 0; n < count; ++n) {
    Index top = h, bottom = 0, left = w, right = 0, zeros = 0;
    for (Index i = 0; i < h; ++i)
      for (Index j = 0; j < w; ++j) {
        if (y(n, i, j, 0) != y(n, i, j, 1)) FAIL("channels differ");
        if (y(n, i, j, 0) != 0) continue;
        ++zeros;
        top = std::min(top, i), bottom = std::max(bottom, i + 1), left = std::min(left, j),
        right = std::max(right, j + 1);
      }
    if (zeros != (bottom - top) * (right - left)) FAIL("image " << n << " is not cut in a rectangle");
    // At the border the cut is smaller; its centre follows from the edge that is inside.
    const Index row = top > 0 ? top + 1 : bottom - 2, column = left > 0 ? left + 2 : right - 3;
    ++seen[{row, column}];
    const Index rows = std::min(row + 2, h) - std::max<Index>(row - 1, 0);
    const Index columns = std::min(column + 3, w) - std::max<Index>(column - 2, 0);
    if (zeros != rows * columns)
      FAIL("image " << n << " is cut by " << zeros << " pixels around " << row << ", " << column);
  }
  CHECK(seen.size() == static_cast<std::size_t>(h * w));
  const double expected = static_cast<double>(count) / static_cast<double>(h * w);
  for (const auto& [centre, times] : seen) CHECK(std::abs(times - expected) < 5 * std::sqrt(expected));
}

TEST_CASE("augment: brightness is one number an image, even in its range, and not added to what moves in or is cut") {
  const Index count = 10'000;
  const Tensor<float> x({count, 2, 2, 3}, 2.0f);
  Trace<float> trace;
  const Tensor<float>& y = named<float>({.brightness = 0.25}).forward(x, trace, {});
  double sum = 0, squares = 0, lowest = 9, highest = -9;
  for (Index n = 0; n < count; ++n) {
    const double change = static_cast<double>(y(n, 0, 0, 0)) - 2;
    for (Index k = 0; k < 12; ++k)
      if (y[n * 12 + k] != y(n, 0, 0, 0)) FAIL("pixels differ");
    sum += change, squares += change * change;
    lowest = std::min(lowest, change), highest = std::max(highest, change);
  }
  const double deviation = 0.5 / std::sqrt(12.0);
  CHECK(std::abs(sum / count) < 5 * deviation / std::sqrt(1.0 * count));
  CHECK(std::abs(std::sqrt(squares / count) - deviation) < 0.02 * deviation);
  CHECK(lowest >= -0.25);
  CHECK(lowest < -0.249);
  CHECK(highest <= 0.25);
  CHECK(highest > 0.249);

  const Tensor<float> ones({100, 8, 8, 1}, 1.0f);
  const Tensor<float>& z = named<float>(all).forward(ones, trace, {});
  for (Index n = 0; n < 100; ++n) {
    std::set<float> values(z.data() + n * 64, z.data() + (n + 1) * 64);
    CHECK(values.count(0.0f) == 1);
    CHECK(values.size() == 2);
  }
}

TEMPLATE_TEST_CASE("augment: a pass leaves the stream alone until it is committed", "", float, double) {
  using S = TestType;
  auto layer = named<S>(all);
  State<S> state;
  layer.collect(state);
  REQUIRE(state.streams.size() == 1);
  CHECK(state.streams[0].first == "D.augment1");
  Random& stream = *state.streams[0].second;
  CHECK(stream.position() == Random(5).stream("D.augment1").position());
  for (const Index count : {1, 3, 4}) {
    const Tensor<S> x({count, 4, 5, 1}, S(1));
    Trace<S> first, again, eval;
    layer.forward(x, first, {});
    layer.forward(x, again, {});
    CHECK((first.output.array() == again.output.array()).all());
    // Committing moves exactly over the numbers that were drawn, so no two passes share any.
    Random copy = stream;
    Tensor<S> numbers({count, 5});
    copy.fill_uniform(numbers);
    layer.commit(first);
    CHECK(stream.position() == copy.position());
    layer.forward(x, eval, {.mode = Mode::eval});
    layer.commit(eval);
    CHECK(stream.position() == copy.position());
  }
}

TEST_CASE("augment: changes differ from pass to pass, name to name, seed to seed, and not with the other options") {
  auto layer = named<float>({.brightness = 1});
  const Tensor<float> x({8, 4, 4, 1}, 1.0f);
  Trace<float> one, two;
  const Tensor<float> first = layer.forward(x, one, {});
  CHECK(equal(named<float>({.brightness = 1}).forward(x, two, {}), first));
  CHECK_FALSE(equal(named<float>({.brightness = 1}, "other").forward(x, two, {}), first));
  CHECK_FALSE(equal(named<float>({.brightness = 1}, "D.augment1", 6).forward(x, two, {}), first));
  layer.commit(one);
  CHECK_FALSE(equal(layer.forward(x, two, {}), first));
  const Tensor<float>& cut = named<float>({.cutout = 0.5, .brightness = 1}).forward(x, two, {});
  for (Index k = 0; k < x.size(); ++k) CHECK((cut[k] == 0 || cut[k] == first[k]));
}

TEST_CASE("augment: the same bits on any number of threads") {
  const int before = threads();
  const auto layer = named<float>(all);
  Tensor<float> x({64, 28, 28, 3});
  Random(1).fill_normal(x);
  Trace<float> one, three;
  set_threads(1);
  layer.forward(x, one, {});
  set_threads(3);
  layer.forward(x, three, {});
  CHECK(equal(one.output, three.output));
  set_threads(before);
}

TEST_CASE("augment: refuses shares outside of [0, 1], and what is no image") {
  CHECK_THROWS_WITH(Augment<float>({.translation = 1.5}), "augment: expected `translation` in [0, 1], got 1.5");
  CHECK_THROWS_WITH(Augment<float>({.cutout = -1}), "augment: expected `cutout` in [0, 1], got -1");
  CHECK_THROWS_WITH(Augment<float>({.brightness = std::nan("")}), "augment: expected `brightness` >= 0, got nan");
  CHECK_THROWS_WITH(named<float>(all).output_shape({784}),
                    "augment \"D.augment1\": expected images of H x W x C, got 784");
}
