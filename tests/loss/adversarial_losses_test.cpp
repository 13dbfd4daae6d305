// Least squares, Wasserstein, hinge and the relativistic losses; and all adversarial losses against PyTorch's values.

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/core/random.hpp"
#include "rival/loss/adversarial.hpp"
#include "rival/loss/relativistic.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::difference;
using rival_test::Fixture;

/// All losses, under their names in the fixture.
template <class S>
std::vector<std::pair<std::string, AdversarialLoss<S>>> all_losses() {
  return {{"non_saturating", non_saturating<S>()},
          {"minimax", minimax<S>({.real_label = 0.9})},
          {"least_squares", least_squares<S>()},
          {"least_squares_pearson", least_squares<S>({.real_label = 1, .fake_label = -1, .generator_label = 0})},
          {"wasserstein", wasserstein<S>()},
          {"hinge", hinge<S>()},
          {"relativistic_pairing", relativistic_pairing<S>()},
          {"relativistic_average", relativistic_average<S>()}};
}

template <class S>
void same_number(double actual, double expected) {
  CHECK(std::abs(actual - expected) <= (std::is_same_v<S, float> ? 1e-6 : 1e-11) * std::max(1.0, std::abs(expected)));
}

/// Central differences of value() by all of `scores`.
void check_gradient(Tensor<double>& scores, const Tensor<double>& gradient, const std::function<double()>& value) {
  REQUIRE(gradient.shape() == scores.shape());
  const double step = 1e-5, largest = gradient.array().abs().maxCoeff();
  REQUIRE(largest > 1e-3);
  for (Index i = 0; i < scores.size(); ++i) {
    const double here = scores[i];
    scores[i] = here + step;
    const double up = value();
    scores[i] = here - step;
    const double down = value();
    scores[i] = here;
    INFO("score " << i);
    CHECK(std::abs(gradient[i] - (up - down) / (2 * step)) <= 1e-6 * largest);
  }
}

}  // namespace

TEST_CASE("adversarial losses: every gradient against finite differences") {
  for (const auto& [name, loss] : all_losses<double>()) {
    INFO(name);
    Tensor<double> real({5, 1}), fake({name == "relativistic_pairing" ? 5 : 4, 1}), dreal, dfake, unused, none;
    Random(1).fill_normal(real, 0.5, 2.0);
    Random(2).fill_normal(fake, -0.5, 2.0);
    loss.discriminator(real, fake, dreal, dfake);
    const auto discriminator = [&, &of = loss.discriminator] { return of(real, fake, unused, none); };
    check_gradient(real, dreal, discriminator);
    check_gradient(fake, dfake, discriminator);
    loss.generator(real, fake, dfake);
    check_gradient(fake, dfake, [&, &of = loss.generator] { return of(real, fake, unused); });
  }
}

TEMPLATE_TEST_CASE("adversarial losses: PyTorch's values", "", float, double) {
  using S = TestType;
  const Fixture fixture("adversarial_values");
  const double tolerance = std::is_same_v<S, float> ? 1e-6 : 1e-11;
  for (const auto& [name, loss] : all_losses<S>())
    for (const std::string kind : {"near", "edge", "far"}) {
      const std::string at = name + "." + kind;
      INFO(at);
      const auto real = fixture.tensor<S>(at + ".real.x"), fake = fixture.tensor<S>(at + ".fake.x");
      Tensor<S> dreal, dfake;
      same_number<S>(static_cast<double>(loss.discriminator(real, fake, dreal, dfake)), fixture.number(at + ".d"));
      CHECK(difference(dreal, fixture.tensor<S>(at + ".d.dreal")) <= tolerance);
      CHECK(difference(dfake, fixture.tensor<S>(at + ".d.dfake")) <= tolerance);
      // The real scores are for those who say that they need them.
      const Tensor<S> none;
      const auto& given = loss.generator_needs_real ? real : none;
      same_number<S>(static_cast<double>(loss.generator(given, fake, dfake)), fixture.number(at + ".g"));
      CHECK(difference(dfake, fixture.tensor<S>(at + ".g.dfake")) <= tolerance);
    }
}

TEMPLATE_TEST_CASE("adversarial losses: scores of any size stay finite, NaN stays NaN", "", float, double) {
  using S = TestType;
  const S far = S(1e4), nan = std::numeric_limits<S>::quiet_NaN();
  const Tensor<S> real({4, 1}, {far, -far, far, -far}), fake({4, 1}, {far, far, -far, -far});
  for (const auto& [name, loss] : all_losses<S>()) {
    INFO(name);
    Tensor<S> dreal, dfake;
    CHECK(std::isfinite(loss.discriminator(real, fake, dreal, dfake)));
    CHECK((dreal.array().isFinite().all() && dfake.array().isFinite().all()));
    CHECK(std::isfinite(loss.generator(real, fake, dfake)));
    CHECK(dfake.array().isFinite().all());
    for (const Index place : {0, 3}) {
      Tensor<S> bad = fake;
      bad[place] = nan;
      CHECK(std::isnan(loss.discriminator(real, bad, dreal, dfake)));
      CHECK(std::isnan(loss.discriminator(bad, fake, dreal, dfake)));
      CHECK(std::isnan(loss.generator(real, bad, dfake)));
    }
  }
}

TEST_CASE("adversarial losses: a relativistic generator learns where the discriminator is sure") {
  const Tensor<float> real({2, 1}, {1e4f, 30}), fake({2, 1}, {-1e4f, -30});
  Tensor<float> dreal, dfake;
  CHECK(relativistic_pairing().discriminator(real, fake, dreal, dfake) < 1e-6f);
  CHECK(relativistic_pairing().generator(real, fake, dfake) == 10030);
  CHECK((dfake[0] == -0.5f && dfake[1] == -0.5f));
  CHECK(relativistic_pairing().generator_needs_real);
  CHECK(relativistic_average().generator_needs_real);
  CHECK_FALSE(hinge().generator_needs_real);
  CHECK_FALSE(wasserstein().generator_needs_real);
  CHECK_FALSE(least_squares().generator_needs_real);
}

TEST_CASE("adversarial losses: only differences of scores count in relativistic ones") {
  const Tensor<double> real({3, 1}, {0.5, -1, 2}), fake({3, 1}, {0.25, 1.5, -3});
  Tensor<double> high_real = real, high_fake = fake, dreal, dfake;
  high_real.array() += 4096;
  high_fake.array() += 4096;
  for (const auto& loss : {relativistic_pairing<double>(), relativistic_average<double>()}) {
    const double value = loss.discriminator(real, fake, dreal, dfake);
    CHECK(std::abs(dreal.array().sum() + dfake.array().sum()) < 1e-15);  // a common offset changes nothing
    CHECK(std::abs(value - loss.discriminator(high_real, high_fake, dreal, dfake)) < 1e-12);
  }
}

TEST_CASE("adversarial losses: all warm calls keep their memory") {
  for (const auto& [name, loss] : all_losses<float>()) {
    INFO(name);
    Tensor<float> real({64, 1}), fake({64, 1}), dreal, dfake;
    loss.discriminator(real, fake, dreal, dfake);
    const float *first = dreal.data(), *second = dfake.data();
    loss.discriminator(real, fake, dreal, dfake);
    loss.generator(real, fake, dfake);
    CHECK((dreal.data() == first && dfake.data() == second));
  }
}

TEST_CASE("adversarial losses: refuses bad labels and batches") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(
      least_squares({.real_label = 1, .fake_label = 1}),
      ContainsSubstring("least_squares: expected a real_label that differs from fake_label, got 1 for both"));
  CHECK_THROWS_WITH(least_squares({.generator_label = infinity}),
                    ContainsSubstring("least_squares: expected finite labels, got inf"));
  const Tensor<float> five({5, 1}), four({4, 1}), none;
  Tensor<float> dreal, dfake;
  CHECK_THROWS_WITH(
      relativistic_pairing().discriminator(five, four, dreal, dfake),
      ContainsSubstring("relativistic_pairing: expected as many real scores as generated ones, got 5 and 4"));
  CHECK_THROWS_WITH(relativistic_pairing().generator(none, four, dfake), ContainsSubstring("got 0 and 4"));
  CHECK_THROWS_WITH(
      relativistic_average().generator(none, four, dfake),
      ContainsSubstring("relativistic_average: expected at least one real and one generated score, got 0"));
  for (const auto& [name, loss] : all_losses<float>()) {
    INFO(name);
    CHECK_THROWS_AS(loss.discriminator(none, none, dreal, dfake), Error);
    CHECK_THROWS_AS(loss.discriminator(four, none, dreal, dfake), Error);
    CHECK_THROWS_AS(loss.discriminator(none, four, dreal, dfake), Error);
    CHECK_THROWS_AS(loss.generator(four, none, dfake), Error);
  }
}
