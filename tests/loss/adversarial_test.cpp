#include "rival/loss/adversarial.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "rival/core/random.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Scores {
  Tensor<double> real{Shape{5, 1}}, fake{Shape{4, 1}};  // of different sizes: each mean is over its own
  Scores() {
    Random random(1);
    random.fill_normal(real, 0.5, 2.0);
    random.fill_normal(fake, -0.5, 2.0);
  }
};

/// Finite differences of both functions with respect to all scores.
void check_gradients(const AdversarialLoss<double>& loss) {
  Scores s;
  Tensor<double> dreal, dfake, unused_real, unused_fake;
  const double step = 1e-5;
  const auto check = [&](Tensor<double>& scores, const Tensor<double>& gradient, const auto& value) {
    REQUIRE(gradient.shape() == scores.shape());
    const double largest = gradient.array().abs().maxCoeff();
    REQUIRE(largest > 1e-3);
    for (Index i = 0; i < scores.size(); ++i) {
      const double here = scores[i];
      scores[i] = here + step;
      const double up = value();
      scores[i] = here - step;
      const double down = value();
      scores[i] = here;
      CHECK(std::abs(gradient[i] - (up - down) / (2 * step)) <= 1e-6 * largest);
    }
  };
  const auto discriminator = [&] { return loss.discriminator(s.real, s.fake, unused_real, unused_fake); };
  const auto generator = [&] { return loss.generator(s.real, s.fake, unused_fake); };
  loss.discriminator(s.real, s.fake, dreal, dfake);
  check(s.real, dreal, discriminator);
  check(s.fake, dfake, discriminator);
  loss.generator(s.real, s.fake, dfake);
  check(s.fake, dfake, generator);
}

template <class F>
double mean(const Tensor<double>& scores, const F& f) {
  double sum = 0;
  for (Index i = 0; i < scores.size(); ++i) sum += f(sigmoid(scores[i]));
  return sum / static_cast<double>(scores.size());
}

}  // namespace

TEST_CASE("adversarial losses: gradients") {
  for (const double label : {1.0, 0.9}) {
    check_gradients(non_saturating<double>({.real_label = label}));
    check_gradients(minimax<double>({.real_label = label}));
  }
}

TEST_CASE("adversarial losses: values by the definition") {
  const Scores s;
  Tensor<double> dreal, dfake;
  for (const double l : {1.0, 0.9}) {
    const double expected = mean(s.real, [=](double p) { return -l * std::log(p) - (1 - l) * std::log(1 - p); }) +
                            mean(s.fake, [](double p) { return -std::log(1 - p); });
    const auto heuristic = non_saturating<double>({.real_label = l}), game = minimax<double>({.real_label = l});
    CHECK(std::abs(heuristic.discriminator(s.real, s.fake, dreal, dfake) - expected) < 1e-12);
    CHECK(std::abs(game.discriminator(s.real, s.fake, dreal, dfake) - expected) < 1e-12);
    // The generator's target is not smoothed, and it needs no real scores.
    CHECK_FALSE(heuristic.generator_needs_real);
    CHECK_FALSE(game.generator_needs_real);
    const Tensor<double> none;
    CHECK(std::abs(heuristic.generator(none, s.fake, dfake) - mean(s.fake, [](double p) { return -std::log(p); })) <
          1e-12);
    CHECK(std::abs(game.generator(none, s.fake, dfake) - mean(s.fake, [](double p) { return std::log(1 - p); })) <
          1e-12);
  }
}

TEST_CASE("adversarial losses: a sure discriminator leaves a gradient to the non-saturating generator alone") {
  const Tensor<float> none, sure({2, 1}, {-1e4f, -30.0f});
  Tensor<float> dfake;
  CHECK(non_saturating().generator(none, sure, dfake) == 5015.0f);
  CHECK(dfake[0] == -0.5f);
  CHECK(dfake[1] == -0.5f);
  CHECK(std::abs(minimax().generator(none, sure, dfake)) < 1e-12f);
  CHECK(dfake[0] == 0);
  CHECK(std::abs(dfake[1]) < 1e-12f);
}

TEST_CASE("adversarial losses: extreme scores and NaN") {
  const Tensor<float> real({2, 1}, {1e4f, -1e4f}), fake({2, 1}, {1e4f, -1e4f});
  Tensor<float> dreal, dfake;
  CHECK(non_saturating().discriminator(real, fake, dreal, dfake) == 1e4f);
  CHECK((dreal[0] == 0 && dreal[1] == -0.5f && dfake[0] == 0.5f && dfake[1] == 0));
  const Tensor<float> bad({2, 1}, {0, std::numeric_limits<float>::quiet_NaN()});
  CHECK(std::isnan(non_saturating().discriminator(real, bad, dreal, dfake)));
  CHECK(std::isnan(minimax().generator(real, bad, dfake)));
}

TEST_CASE("adversarial losses: warm calls keep their memory") {
  const auto loss = non_saturating();
  Tensor<float> real({64, 1}), fake({64, 1}), dreal, dfake;
  loss.discriminator(real, fake, dreal, dfake);
  const float *first = dreal.data(), *second = dfake.data();
  loss.discriminator(real, fake, dreal, dfake);
  loss.generator(real, fake, dfake);
  CHECK(dreal.data() == first);
  CHECK(dfake.data() == second);
}

TEST_CASE("adversarial losses: a loss that compares real with generated scores is two lambdas") {
  // softplus of fake - real, pair by pair.
  const AdversarialLoss<double> relativistic{.discriminator =
                                                 [](const auto& real, const auto& fake, auto& dreal, auto& dfake) {
                                                   dfake.resize(fake.shape());
                                                   dreal.resize(real.shape());
                                                   double sum = 0;
                                                   for (Index i = 0; i < 4; ++i) {
                                                     const double difference = fake[i] - real[i];
                                                     sum += std::log1p(std::exp(difference)) / 4;
                                                     dfake[i] = sigmoid(difference) / 4;
                                                     dreal[i] = -dfake[i];
                                                   }
                                                   return sum;
                                                 },
                                             .generator =
                                                 [](const auto& real, const auto& fake, auto& dfake) {
                                                   dfake.resize(fake.shape());
                                                   double sum = 0;
                                                   for (Index i = 0; i < 4; ++i) {
                                                     sum += std::log1p(std::exp(real[i] - fake[i])) / 4;
                                                     dfake[i] = -sigmoid(real[i] - fake[i]) / 4;
                                                   }
                                                   return sum;
                                                 },
                                             .generator_needs_real = true};
  const Tensor<double> scores({4, 1}, {1, 2, 3, 4});
  Tensor<double> dreal, dfake;
  CHECK(std::abs(relativistic.discriminator(scores, scores, dreal, dfake) - std::log(2.0)) < 1e-15);
  CHECK(relativistic.generator_needs_real);
  CHECK(relativistic.generator(scores, scores, dfake) == relativistic.discriminator(scores, scores, dreal, dreal));
}

TEST_CASE("adversarial losses: misuse") {
  CHECK_THROWS_WITH(non_saturating({.real_label = 0}), ContainsSubstring("expected a real_label in (0, 1], got 0"));
  CHECK_THROWS_WITH(minimax({.real_label = 1.2}), ContainsSubstring("got 1.2"));
  Tensor<float> scores({2, 1}), none, dreal, dfake;
  CHECK_THROWS_WITH(non_saturating().discriminator(none, scores, dreal, dfake),
                    ContainsSubstring("expected at least one score"));
}
