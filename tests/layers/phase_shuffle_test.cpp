#include "rival/layers/phase_shuffle.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

namespace {

PhaseShuffle<float> named(Index radius, std::uint64_t seed = 5) {
  PhaseShuffle<float> layer({.radius = radius});
  layer.set_name("D.phase_shuffle1");
  layer.initialise(normal<float>(), Random(seed));
  return layer;
}

/// One signal, padded on one side by reflection and cut on the other, as the paper's program does it.
std::vector<float> shifted(const float* x, Index length, Index by) {
  std::vector<float> padded;
  const Index left = std::max<Index>(by, 0), right = std::max<Index>(-by, 0);
  for (Index i = left; i > 0; --i) padded.push_back(x[i]);
  padded.insert(padded.end(), x, x + length);
  for (Index i = 0; i < right; ++i) padded.push_back(x[length - 2 - i]);
  return {padded.begin() + right, padded.begin() + right + length};
}

}  // namespace

TEST_CASE("phase_shuffle: gradients and tangents") {
  test::check_gradients(PhaseShuffle<double>({.radius = 2}), {7, 5, 3});
  test::check_gradients(PhaseShuffle<double>({.radius = 4}), {9, 5, 1});
  test::check_gradients(PhaseShuffle<double>({.radius = 0}), {2, 1, 4});
  test::check_gradients(
      Sequential<double>(Conv1d<double>({.in = 1, .out = 4, .kernel = 3, .padding = 1}), LeakyReLU<double>(0.2),
                         PhaseShuffle<double>({.radius = 1}), Conv1d<double>({.in = 4, .out = 2, .kernel = 3})),
      {3, 6, 1});
}

TEST_CASE("phase_shuffle: each sample is reflected and shifted by a number of its own, all as likely") {
  const Index radius = 2, length = 6, count = 7000;
  const PhaseShuffle<float> layer = named(radius);
  Tensor<float> x({count, length, 1});
  Random(1).fill_normal(x);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  std::map<Index, int> seen;
  for (Index n = 0; n < count; ++n) {
    Index found = radius + 1;
    for (Index by = -radius; by <= radius; ++by) {
      const auto expected = shifted(x.data() + n * length, length, by);
      if (std::equal(expected.begin(), expected.end(), y.data() + n * length)) found = by;
    }
    if (found > radius) FAIL("sample " << n << " is no shift of its input");
    ++seen[found];
  }
  CHECK(seen.size() == 5);
  for (const auto& [by, times] : seen) CHECK(std::abs(times - count / 5.0) < 5 * std::sqrt(count * 0.2 * 0.8));
}

TEST_CASE("phase_shuffle: all channels of a sample move together") {
  const PhaseShuffle<float> layer = named(3);
  Tensor<float> x({20, 9, 4});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i / 4 % 9 * 10 + i % 4);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  for (Index p = 0; p < y.rows(); ++p)
    for (Index c = 0; c < 4; ++c) CHECK(y[p * 4 + c] == y[p * 4] + static_cast<float>(c));
}

TEST_CASE("phase_shuffle: evaluation is the identity, without a copy") {
  PhaseShuffle<float> layer = named(2);
  const Tensor<float> x({3, 4, 2}, 1.5f);
  Trace<float> trace;
  CHECK(layer.forward(x, trace, {.mode = Mode::eval}).data() == x.data());
  layer.commit(trace);
  State<float> state;
  layer.collect(state);
  CHECK(state.streams.at(0).second->position() == Random(5).stream("D.phase_shuffle1").position());
}

TEST_CASE("phase_shuffle: a pass leaves the stream alone until it is committed") {
  PhaseShuffle<float> layer = named(5);
  State<float> state;
  layer.collect(state);
  REQUIRE(state.streams.size() == 1);
  CHECK(state.streams[0].first == "D.phase_shuffle1");
  Random& stream = *state.streams[0].second;
  Tensor<float> x({50, 8, 1});
  Random(1).fill_normal(x);
  Trace<float> first, again, next;
  const auto same = [](const Tensor<float>& a, const Tensor<float>& b) { return (a.array() == b.array()).all(); };
  layer.forward(x, first, {});
  CHECK(same(layer.forward(x, again, {}), first.output));
  Random copy = stream;
  Tensor<float> draws({50});
  copy.fill_uniform(draws);
  layer.commit(first);
  CHECK(stream.position() == copy.position());
  CHECK_FALSE(same(layer.forward(x, next, {}), first.output));
}

TEST_CASE("phase_shuffle: the same bits on any number of threads") {
  rival_test::check_threads(PhaseShuffle<float>({.radius = 2}), {64, 128, 33});
}

TEST_CASE("phase_shuffle: misuse") {
  CHECK_THROWS_WITH(PhaseShuffle<float>({.radius = -1}), "phase_shuffle: expected `radius` >= 0, got -1");
  const PhaseShuffle<float> layer = named(3);
  CHECK_THROWS_WITH(layer.output_shape({7, 7, 1}),
                    "phase_shuffle \"D.phase_shuffle1\": expected signals length x channels, got 7x7x1");
  CHECK_THROWS_WITH(layer.output_shape({3, 2}), ContainsSubstring("expected signals longer than the radius of 3, got a "
                                                                  "length of 3"));
}
