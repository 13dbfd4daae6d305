#include <cmath>
#include <cstring>
#include <limits>
#include "catch.hpp"

#include "rival/nn/initialise.hpp"

// Every seed is fixed. Bounds on moments are four deviations of the sample moment.

using rival::Fan;
using rival::Index;
using rival::Initialiser;
using rival::Random;
using rival::Shape;
using rival::Tensor;

namespace {

template <class S>
Tensor<S> draw(const Initialiser<S>& initialiser, const Shape& shape, Fan fan = {1, 1}, std::uint64_t seed = 3) {
  Tensor<S> weights(shape);
  Random random(seed);
  initialiser(weights, fan, random);
  return weights;
}

template <class S>
void check_normal(const Tensor<S>& weights, double mean, double deviation) {
  const Eigen::ArrayXd x = (weights.array().template cast<double>() - mean) / deviation;
  const auto n = static_cast<double>(weights.size());
  CHECK(std::abs(x.mean()) < 4 * std::sqrt(1 / n));
  CHECK(std::abs(x.square().mean() - 1) < 4 * std::sqrt(2 / n));
  CHECK(std::abs(x.square().square().mean() - 3) < 4 * std::sqrt(96 / n));
}

template <class S>
void check_uniform(const Tensor<S>& weights, double bound) {
  const Eigen::ArrayXd x = weights.array().template cast<double>() / bound;
  const auto n = static_cast<double>(weights.size());
  CHECK(std::abs(x.mean()) < 4 * std::sqrt(1 / (3 * n)));
  CHECK(std::abs(x.square().mean() - 1.0 / 3) < 4 * std::sqrt(4 / (45 * n)));
  // All within the bound, to rounding, and close to it on both sides: further off with a probability of e^-10.
  CHECK(x.abs().maxCoeff() <= 1 + static_cast<double>(std::numeric_limits<S>::epsilon()));
  CHECK(x.maxCoeff() > 1 - 20 / n);
  CHECK(x.minCoeff() < -1 + 20 / n);
}

const Shape kernel{5, 5, 64, 128};
const Fan fan{5 * 5 * 64, 5 * 5 * 128};

}  // namespace

TEMPLATE_TEST_CASE("initialise: normal", "", float, double) {
  check_normal(draw(rival::normal<TestType>(), kernel, fan), 0, 0.02);
  check_normal(draw(rival::normal<TestType>(1, 0.5), kernel, fan), 1, 0.5);
}

TEMPLATE_TEST_CASE("initialise: he has variance 2 / ((1 + slope^2) fan_in)", "", float, double) {
  check_normal(draw(rival::he<TestType>(), kernel, fan), 0, std::sqrt(2.0 / 1600));
  check_normal(draw(rival::he<TestType>(0.2), kernel, fan), 0, std::sqrt(2.0 / 1.04 / 1600));
}

TEMPLATE_TEST_CASE("initialise: glorot is uniform in +-sqrt(6 / (fan_in + fan_out))", "", float, double) {
  check_uniform(draw(rival::glorot<TestType>(), kernel, fan), std::sqrt(6.0 / 4800));
}

TEMPLATE_TEST_CASE("initialise: uniform_fan_in is uniform in +-sqrt(1 / fan_in)", "", float, double) {
  check_uniform(draw(rival::uniform_fan_in<TestType>(), kernel, fan), std::sqrt(1.0 / 1600));
}

TEMPLATE_TEST_CASE("initialise: orthogonal rows of wide and columns of tall kernels", "", float, double) {
  for (const Shape& shape : {Shape{10, 30}, Shape{30, 10}, Shape{17, 17}, Shape{3, 3, 8, 20}, Shape{2, 2, 3, 40},
                             Shape{1, 7}, Shape{7, 1}, Shape{200, 100}}) {
    INFO(shape);
    const auto weights = draw(rival::orthogonal<TestType>(1.5), shape);
    const Eigen::MatrixXd w = weights.matrix().template cast<double>();
    const bool wide = w.rows() <= w.cols();
    const Eigen::MatrixXd gram = wide ? Eigen::MatrixXd(w * w.transpose()) : Eigen::MatrixXd(w.transpose() * w);
    const Eigen::MatrixXd expected = 1.5 * 1.5 * Eigen::MatrixXd::Identity(gram.rows(), gram.cols());
    // Inner products of up to 200 terms, each rounded by epsilon relative to the gain's square.
    const double tolerance = 40 * static_cast<double>(std::numeric_limits<TestType>::epsilon());
    CHECK((gram - expected).cwiseAbs().maxCoeff() < tolerance);
  }
}

TEST_CASE("initialise: orthogonal matrices are drawn uniformly") {
  // The trace of a uniform orthogonal matrix of size 3 has mean 0 and variance 1; so has every element mean 0 and
  // variance 1/3. Without the right signs the diagonal would lean to one side.
  constexpr int draws = 4000;
  double trace = 0, trace_squared = 0;
  Eigen::Matrix3d sum = Eigen::Matrix3d::Zero();
  for (int i = 0; i < draws; ++i) {
    const auto weights = draw(rival::orthogonal<double>(), {3, 3}, {3, 3}, static_cast<std::uint64_t>(i));
    const Eigen::Matrix3d w = weights.matrix();
    trace += w.trace() / draws;
    trace_squared += w.trace() * w.trace() / draws;
    sum += w / draws;
  }
  CHECK(std::abs(trace) < 4 / std::sqrt(draws));
  CHECK(std::abs(trace_squared - 1) < 4 * std::sqrt(2.0 / draws));  // the fourth moment is 3
  CHECK(sum.cwiseAbs().maxCoeff() < 4 * std::sqrt(1.0 / 3 / draws));
}

TEST_CASE("initialise: the same bits on any number of threads, and for the same seed") {
  const int before = rival::threads();
  for (const auto& initialiser : {rival::normal(), rival::glorot(), rival::orthogonal()}) {
    rival::set_threads(1);
    const auto one = draw(initialiser, {300, 200}, {300, 200});
    rival::set_threads(4);
    const auto four = draw(initialiser, {300, 200}, {300, 200});
    CHECK(std::memcmp(one.data(), four.data(), static_cast<std::size_t>(one.size()) * sizeof(float)) == 0);
    const auto other = draw(initialiser, {300, 200}, {300, 200}, 4);
    CHECK(std::memcmp(one.data(), other.data(), static_cast<std::size_t>(one.size()) * sizeof(float)) != 0);
  }
  rival::set_threads(before);
}
