#include "rival/layers/gaussian_noise.hpp"

#include <cmath>
#include <limits>

#include "gradient_check.hpp"
#include "norm_values.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/nn/sequential.hpp"

using namespace rival;

namespace {

GaussianNoise<float> named(double sigma, std::uint64_t seed = 5) {
  GaussianNoise<float> layer({.sigma = sigma});
  layer.set_name("D.noise1");
  layer.initialise(normal<float>(), Random(seed));
  return layer;
}

bool equal(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && (a.array() == b.array()).all();
}

}  // namespace

TEST_CASE("gaussian_noise: gradients and tangents") {
  test::check_gradients(GaussianNoise<double>({.sigma = 0.5}), {3, 5, 3, 2});
  test::check_gradients(GaussianNoise<double>({.sigma = 0}), {4, 3});
  test::check_gradients(
      Sequential<double>(Dense<double>({.in = 3, .out = 5}), LeakyReLU<double>(0.2),
                         GaussianNoise<double>({.sigma = 0.3}), Tanh<double>(), Dense<double>({.in = 5, .out = 2})),
      {4, 3});
}

TEST_CASE("gaussian_noise: what is added is normal, of its deviation") {
  const double sigma = 0.3;
  const GaussianNoise<float> layer = named(sigma);
  const Tensor<float> x({100, 1000}, 2.0f);
  Trace<float> trace;
  const Tensor<float>& y = layer.forward(x, trace, {});
  double mean = 0, square = 0;
  Index within = 0;
  for (Index i = 0; i < y.size(); ++i) {
    const double e = (y[i] - 2.0) / sigma;
    mean += e / 1e5, square += e * e / 1e5;
    within += std::abs(e) < 1;
  }
  CHECK(std::abs(mean) < 5 / std::sqrt(1e5));
  CHECK(std::abs(square - 1) < 5 * std::sqrt(2 / 1e5));
  CHECK(std::abs(static_cast<double>(within) / 1e5 - 0.6827) < 5 * std::sqrt(0.6827 * 0.3173 / 1e5));
}

TEST_CASE("gaussian_noise: evaluation is the identity, without a copy") {
  GaussianNoise<float> layer = named(0.5);
  const Tensor<float> x({3, 4}, 1.5f);
  Trace<float> trace;
  CHECK(layer.forward(x, trace, {.mode = Mode::eval}).data() == x.data());
  layer.commit(trace);
  State<float> state;
  layer.collect(state);
  CHECK(state.streams.at(0).second->position() == Random(5).stream("D.noise1").position());
}

TEST_CASE("gaussian_noise: a pass leaves the stream alone until it is committed") {
  GaussianNoise<float> layer = named(1);
  State<float> state;
  layer.collect(state);
  REQUIRE(state.streams.size() == 1);
  CHECK(state.streams[0].first == "D.noise1");
  Random& stream = *state.streams[0].second;
  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{7, 1, 1, 3}}) {
    const Tensor<float> x(shape, 1.0f);
    Trace<float> first, again, next;
    layer.forward(x, first, {});
    CHECK(equal(layer.forward(x, again, {}), first.output));
    Random copy = stream;
    Tensor<float> noise(shape);
    copy.fill_normal(noise);
    layer.commit(first);
    CHECK(stream.position() == copy.position());
    CHECK_FALSE(equal(layer.forward(x, next, {}), first.output));
  }
}

TEST_CASE("gaussian_noise: the same bits on any number of threads") {
  rival_test::check_threads(GaussianNoise<float>({.sigma = 0.5}), {64, 100, 33});
}

TEST_CASE("gaussian_noise: misuse") {
  CHECK_THROWS_WITH(GaussianNoise<float>({.sigma = -0.5}), "gaussian_noise: expected a finite `sigma` >= 0, got -0.5");
  CHECK_THROWS_WITH(GaussianNoise<float>({.sigma = std::numeric_limits<double>::infinity()}),
                    "gaussian_noise: expected a finite `sigma` >= 0, got inf");
}
