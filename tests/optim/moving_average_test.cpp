#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/core/random.hpp"
#include "rival/gan/generator.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/initialise.hpp"
#include "rival/optim/moving_average.hpp"

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using namespace rival;

namespace {

/// One parameter and one buffer, without a network around them.
template <class S>
struct Weights {
  Parameter<S> parameter;
  Buffer<S> buffer;
  explicit Weights(Index size = 1, const std::string& network = "G")
      : parameter(network + ".dense1.weight", {size}), buffer{network + ".bn1.mean", Tensor<S>({size})} {}
  State<S> state() { return {.parameters = {&parameter}, .buffers = {&buffer}, .streams = {}}; }
};

Generator<float> make_generator(const std::string& name = "G") {
  Sequential<float> layers;
  layers.add(Dense<float>({.in = 3, .out = 5})).add(BatchNorm<float>({.features = 5})).add(LeakyReLU<float>(0.2));
  layers.add(Dense<float>({.in = 5, .out = 2}));
  Generator<float> generator(3, std::move(layers), name);
  generator.initialise(normal<float>(0, 0.5), Random(7));
  return generator;
}

bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && (a.array() == b.array()).all();
}

}  // namespace

TEMPLATE_TEST_CASE("moving average: the closed form on a known sequence", "", float, double) {
  using S = TestType;
  Weights<S> average, source;
  average.parameter.value[0] = 10;
  // Batches of 32 and a half-life of 64 images: b = 2^(-1/2).
  MovingAverage moving(average.state(), source.state(), {.half_life = 64, .ramp_up = 0, .batch = 32});
  CHECK(moving.source_share() == Approx(1 - std::sqrt(0.5)).epsilon(1e-15));
  const double b = std::sqrt(0.5);
  const std::vector<double> sequence{1, -2, 0.5, 4, 4, -1};
  for (std::size_t t = 0; t < sequence.size(); ++t) {
    source.parameter.value[0] = static_cast<S>(sequence[t]);
    moving.update();
    double expected = 10 * std::pow(b, t + 1);
    for (std::size_t k = 0; k <= t; ++k) expected += (1 - b) * std::pow(b, t - k) * sequence[k];
    CHECK(std::abs(static_cast<double>(average.parameter.value[0]) - expected) <
          50 * static_cast<double>(std::numeric_limits<S>::epsilon()));
    CHECK(source.parameter.value[0] == static_cast<S>(sequence[t]));
  }
  CHECK(moving.steps() == 6);
}

TEST_CASE("moving average: after a half-life one half is left") {
  Weights<double> average, source;
  average.parameter.value[0] = 1;
  MovingAverage moving(average.state(), source.state(), {.half_life = 5000, .ramp_up = 0, .batch = 50});
  for (int t = 0; t < 100; ++t) moving.update();
  CHECK(average.parameter.value[0] == Approx(0.5).epsilon(1e-13));
}

TEST_CASE("moving average: ramp-up forgets the first weights soon") {
  Weights<double> average, source;
  average.parameter.value[0] = std::numeric_limits<double>::quiet_NaN();  // not even read by the first step
  MovingAverage moving(average.state(), source.state(), {.half_life = 3000, .ramp_up = 0.25, .batch = 100});
  source.parameter.value[0] = 5;
  CHECK(moving.source_share() == 1);
  moving.update();
  CHECK(average.parameter.value[0] == 5);
  // Before step t (from 0) there were 100 t images, so b = 0.5^(100 / min(3000, 25 t)).
  double expected = 5;
  for (int t = 1; t < 200; ++t) {
    const double share = 1 - std::pow(0.5, 100 / std::min(3000.0, 25.0 * t));
    CHECK(moving.source_share() == Approx(share).epsilon(1e-13));
    source.parameter.value[0] = std::cos(t);
    moving.update();
    expected += share * (std::cos(t) - expected);
    CHECK(average.parameter.value[0] == Approx(expected).margin(1e-13));
  }
  CHECK(moving.source_share() == Approx(1 - std::pow(0.5, 100 / 3000.0)).epsilon(1e-13));

  // Another one goes on from the weights and the number of steps.
  Weights<double> later = average;
  MovingAverage resumed(later.state(), source.state(), moving.options());
  resumed.set_steps(moving.steps());
  moving.update();
  resumed.update();
  CHECK(later.parameter.value[0] == average.parameter.value[0]);
}

TEST_CASE("moving average: buffers are copied") {
  Weights<float> average(3), source(3);
  MovingAverage moving(average.state(), source.state(), {.ramp_up = 0});
  source.buffer.value = Tensor<float>({3}, {1, 2, 3});
  source.parameter.value.fill(1);
  moving.update();
  CHECK(same(average.buffer.value, source.buffer.value));
  CHECK((average.parameter.value.array() < 0.01f).all());
}

TEST_CASE("moving average: a copy of a generator is one that trains no more by itself") {
  Generator<float> generator = make_generator();
  Generator<float> average = generator;
  MovingAverage<> moving(average.state(), generator.state(), {.half_life = 100, .ramp_up = 0, .batch = 10});
  Tensor<float> latents({8, 3}), start = average.parameters()[0]->value;
  Random(3).fill_normal(latents);
  CHECK(same(average.sample(latents), generator.sample(latents)));

  Trace<float> trace;
  for (int t = 0; t < 3; ++t) {
    generator.forward(latents, trace);  // moves the running statistics
    for (auto* parameter : generator.parameters()) parameter->value.array() += 1;
    CHECK_FALSE(same(average.buffers()[0]->value, generator.buffers()[0]->value));
    moving.update();
  }
  CHECK_FALSE(same(average.sample(latents), generator.sample(latents)));
  const auto of_average = average.buffers(), of_generator = generator.buffers();
  REQUIRE(of_average.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(same(of_average[i]->value, of_generator[i]->value));
  // It lags behind a source that moves by 1 a step: by b + b^2 + b^3 after three.
  const double b = std::pow(0.5, 0.1), lag = b + b * b + b * b * b;
  for (std::size_t p = 0; p < average.parameters().size(); ++p) {
    const Tensor<float>&behind = average.parameters()[p]->value, &ahead = generator.parameters()[p]->value;
    for (Index i = 0; i < ahead.size(); ++i) CHECK(ahead[i] - behind[i] == Approx(lag).epsilon(1e-5));
  }
  CHECK_FALSE(same(average.parameters()[0]->value, start));

  // A source that stands still is reached, and then nothing moves.
  for (int t = 0; t < 1000; ++t) moving.update();
  const Tensor<float> arrived = average.parameters()[0]->value;
  CHECK((arrived.array() - generator.parameters()[0]->value.array()).abs().maxCoeff() < 1e-5f);
}

TEST_CASE("moving average: the same bits on any number of threads") {
  const int before = threads();
  std::vector<Tensor<float>> results;
  for (int count = 1; count <= 4; ++count) {
    set_threads(count);
    Weights<float> average(100'003), source(100'003);
    MovingAverage moving(average.state(), source.state());
    for (std::uint64_t t = 0; t < 4; ++t) {
      Random(t).fill_normal(source.parameter.value);
      moving.update();
    }
    results.push_back(average.parameter.value);
    CHECK(std::memcmp(results.back().data(), results[0].data(), 100'003 * sizeof(float)) == 0);
  }
  set_threads(before);
}

TEST_CASE("moving average: networks may have names of their own") {
  Generator<float> generator = make_generator("G"), average = make_generator("average");
  CHECK_NOTHROW(MovingAverage<>(average.state(), generator.state()));
}

TEST_CASE("moving average: refuses networks that differ") {
  Generator<float> generator = make_generator();
  CHECK_THROWS_WITH(MovingAverage<>(generator.state(), generator.state()),
                    ContainsSubstring("expected two networks, got \"G.dense1.weight\" of the same one twice"));

  Sequential<float> layers;
  layers.add(Dense<float>({.in = 3, .out = 2}));
  Generator<float> shallow(3, std::move(layers));
  CHECK_THROWS_WITH(MovingAverage<>(shallow.state(), generator.state()),
                    ContainsSubstring("moving average: expected two networks of the same structure, got "));
  CHECK_THROWS_WITH(MovingAverage<>(shallow.state(), generator.state()), ContainsSubstring(" parameters"));

  Weights<float> three(3), four(4), other(3), fewer(3);
  CHECK_THROWS_WITH(MovingAverage(three.state(), four.state()),
                    ContainsSubstring("got \"G.dense1.weight\" of 3 for \"G.dense1.weight\" of 4"));
  other.parameter.name = "G.dense2.weight";
  CHECK_THROWS_WITH(MovingAverage(other.state(), three.state()),
                    ContainsSubstring("got \"G.dense2.weight\" of 3 for \"G.dense1.weight\" of 3"));
  State<float> without = fewer.state();
  without.buffers.clear();
  CHECK_THROWS_WITH(MovingAverage(without, three.state()), ContainsSubstring("got 0 and 1 buffers"));

  Weights<float> average(3);
  MovingAverage moving(average.state(), three.state());
  three.parameter.value.resize({5});
  CHECK_THROWS_WITH(moving.update(),
                    ContainsSubstring("moving average: \"G.dense1.weight\" had 3 elements, now its average has 3 "
                                      "and its source 5"));
  CHECK(moving.steps() == 0);
}

TEST_CASE("moving average: refuses bad options") {
  Weights<float> average, source;
  const auto make = [&](const MovingAverageOptions& options) {
    MovingAverage<>(average.state(), source.state(), options);
  };
  CHECK_THROWS_WITH(make({.half_life = 0}), ContainsSubstring("moving average: expected half_life > 0, got 0"));
  CHECK_THROWS_WITH(make({.ramp_up = -1}), ContainsSubstring("moving average: expected a finite ramp_up >= 0, got -1"));
  CHECK_THROWS_WITH(make({.batch = 0}), ContainsSubstring("moving average: expected a batch of at least 1, got 0"));
  MovingAverage<> moving(average.state(), source.state());
  CHECK_THROWS_WITH(moving.set_steps(-1), ContainsSubstring("moving average: expected steps >= 0, got -1"));
}
