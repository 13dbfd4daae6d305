#include "rival/loss/supervised.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "rival/core/random.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;

/// Holds the gradient of value(x) against central differences; both errors of a difference, 1e-10 and 1e-11,
/// lie far below the tolerance (see GradientCheck).
template <class F>
void check_gradient(Tensor<double> x, const Tensor<double>& gradient, const F& value) {
  REQUIRE(gradient.shape() == x.shape());
  const double step = 1e-5, largest = gradient.array().abs().maxCoeff();
  for (Index i = 0; i < x.size(); ++i) {
    const double here = x[i];
    x[i] = here + step;
    const double up = value(x);
    x[i] = here - step;
    const double down = value(x);
    x[i] = here;
    INFO("element " << i);
    CHECK(std::abs(gradient[i] - (up - down) / (2 * step)) <= 1e-6 * largest);
  }
}

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  Random(seed).fill_normal(x, 0.0, 2.0);
  return x;
}

}  // namespace

TEST_CASE("bce_with_logits: values and gradients by the definition") {
  const Tensor<double> x = random({5, 3}, 1);
  Tensor<double> targets(x.shape());
  Random(2).fill_uniform(targets);
  const auto definition = [](double score, double t) {
    const double p = 1 / (1 + std::exp(-score));
    return -t * std::log(p) - (1 - t) * std::log(1 - p);
  };
  for (const double t : {0.0, 0.1, 0.9, 1.0}) {
    const auto loss = bce_with_logits(x, t);
    double sum = 0;
    for (Index i = 0; i < x.size(); ++i) sum += definition(x[i], t);
    CHECK(std::abs(loss.value - sum / 15) < 1e-12);
    check_gradient(x, loss.gradient, [&](const auto& at) { return bce_with_logits(at, t).value; });
  }
  const auto loss = bce_with_logits(x, targets);
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) sum += definition(x[i], targets[i]);
  CHECK(std::abs(loss.value - sum / 15) < 1e-12);
  check_gradient(x, loss.gradient, [&](const auto& at) { return bce_with_logits(at, targets).value; });
}

TEMPLATE_TEST_CASE("bce_with_logits: extreme scores", "", float, double) {
  using S = TestType;
  const auto at = [](S x, S t) {
    const auto loss = bce_with_logits(Tensor<S>({1, 1}, {x}), t);
    return std::array<S, 2>{loss.value, loss.gradient[0]};
  };
  CHECK(at(S(1e4), S(1)) == std::array<S, 2>{S(0), S(0)});
  CHECK(at(S(1e4), S(0)) == std::array<S, 2>{S(1e4), S(1)});
  CHECK(at(S(-1e4), S(0)) == std::array<S, 2>{S(0), S(0)});
  CHECK(at(S(-1e4), S(1)) == std::array<S, 2>{S(1e4), S(-1)});
  const S largest = std::numeric_limits<S>::max();
  CHECK(at(largest, S(0)) == std::array<S, 2>{largest, S(1)});
  CHECK(at(-largest, S(0)) == std::array<S, 2>{S(0), S(0)});
  // Far out on the right side the loss is about e^-|x|, right to the last digits: nothing cancels.
  const double e = std::exp(-30.0), tail = std::log1p(e), slope = e / (1 + e);
  CHECK(std::abs(static_cast<double>(at(S(30), S(1))[0]) / tail - 1) < 4 * std::numeric_limits<S>::epsilon());
  CHECK(std::abs(static_cast<double>(at(S(30), S(1))[1]) / -slope - 1) < 4 * std::numeric_limits<S>::epsilon());
  CHECK(std::abs(static_cast<double>(at(S(-30), S(0))[0]) / tail - 1) < 4 * std::numeric_limits<S>::epsilon());
  CHECK(std::isnan(at(std::numeric_limits<S>::quiet_NaN(), S(1))[0]));
  CHECK(std::isnan(at(std::numeric_limits<S>::quiet_NaN(), S(1))[1]));
}

TEST_CASE("softmax_cross_entropy: values and gradients by the definition") {
  const Tensor<double> x = random({4, 5}, 3);
  const std::vector<std::uint8_t> labels = {3, 0, 4, 0};
  const auto loss = softmax_cross_entropy(x, labels);
  double sum = 0;
  for (Index row = 0; row < 4; ++row) {
    double total = 0;
    for (Index c = 0; c < 5; ++c) total += std::exp(x(row, c));
    sum -= std::log(std::exp(x(row, labels[static_cast<std::size_t>(row)])) / total);
  }
  CHECK(std::abs(loss.value - sum / 4) < 1e-12);
  check_gradient(x, loss.gradient, [&](const auto& at) { return softmax_cross_entropy(at, labels).value; });
}

TEMPLATE_TEST_CASE("softmax_cross_entropy: extreme logits", "", float, double) {
  using S = TestType;
  const Tensor<S> x({2, 3}, {S(1e4), S(-1e4), 0, S(1e4), S(-1e4), 0});
  const auto loss = softmax_cross_entropy(x, std::array<int, 2>{0, 1});
  CHECK(loss.value == S(1e4));  // the mean of 0 and 2e4
  const Tensor<S> expected({2, 3}, {0, 0, 0, S(0.5), S(-0.5), 0});
  for (Index i = 0; i < 6; ++i) CHECK(loss.gradient[i] == expected[i]);
  for (const Index place : {0, 1, 2}) {
    Tensor<S> bad = x;
    bad[place] = std::numeric_limits<S>::quiet_NaN();
    CHECK(std::isnan(softmax_cross_entropy(bad, std::array<int, 2>{0, 1}).value));
  }
}

TEST_CASE("mean_squared_error: values and gradients") {
  const Tensor<double> x = random({3, 2, 2, 2}, 5), y = random({3, 2, 2, 2}, 6);
  const auto loss = mean_squared_error(x, y);
  CHECK(std::abs(loss.value - (x.array() - y.array()).square().mean()) < 1e-12);
  check_gradient(x, loss.gradient, [&](const auto& at) { return mean_squared_error(at, y).value; });
}

TEST_CASE("losses: sums of floats lose nothing") {
  // In float, 1e6 terms of 0.01 added one by one would be off by about a percent.
  const Tensor<float> x({1000, 1000}, 0.1f), y({1000, 1000}, 0.0f);
  CHECK(std::abs(mean_squared_error(x, y).value - 0.01f) < 1e-8f);
}

TEST_CASE("losses: a Loss that is used again keeps its memory") {
  Loss<float> loss;
  bce_with_logits(Tensor<float>({64, 1}, 0.5f), 1.0f, loss);
  const float* memory = loss.gradient.data();
  bce_with_logits(Tensor<float>({64, 1}, -0.5f), 0.0f, loss);
  bce_with_logits(Tensor<float>({32, 1}, 0.5f), Tensor<float>({32, 1}, 0.5f), loss);
  softmax_cross_entropy(Tensor<float>({4, 10}, 0.5f), std::vector<int>{1, 2, 3, 4}, loss);
  mean_squared_error(Tensor<float>({2, 10}, 0.5f), Tensor<float>({2, 10}, 0.5f), loss);
  CHECK(loss.gradient.data() == memory);
  CHECK(loss.gradient.shape() == Shape{2, 10});
  CHECK(loss.value == 0);
}

TEST_CASE("losses: misuse") {
  const Tensor<float> scores({4, 1}), empty;
  CHECK_THROWS_WITH(bce_with_logits(scores, 1.5f),
                    ContainsSubstring("bce_with_logits: expected targets in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(bce_with_logits(scores, Tensor<float>({4, 1}, -1.0f)), ContainsSubstring("got -1"));
  CHECK_THROWS_WITH(bce_with_logits(scores, Tensor<float>({4})), ContainsSubstring("expected targets of 4x1, got 4"));
  CHECK_THROWS_WITH(bce_with_logits(empty, 1.0f), ContainsSubstring("expected at least one score, got 0"));
  CHECK_THROWS_WITH(mean_squared_error(scores, Tensor<float>({1, 4})), ContainsSubstring("got 4x1 and 1x4"));
  const Tensor<float> logits({2, 10});
  CHECK_THROWS_WITH(softmax_cross_entropy(logits, std::vector<int>{1, 10}),
                    ContainsSubstring("softmax_cross_entropy: expected labels from 0 to 9, got 10 in row 1"));
  CHECK_THROWS_WITH(softmax_cross_entropy(logits, std::vector<int>{-1, 0}), ContainsSubstring("got -1 in row 0"));
  CHECK_THROWS_WITH(softmax_cross_entropy(logits, std::vector<int>{1}),
                    ContainsSubstring("expected 2 labels, one a row of logits, got 1"));
  CHECK_THROWS_WITH(softmax_cross_entropy(empty, std::vector<int>{}),
                    ContainsSubstring("expected at least one row of logits, got 0"));
}
