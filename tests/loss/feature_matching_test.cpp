#include "rival/loss/feature_matching.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/core/random.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::difference;
using rival_test::Fixture;

TEST_CASE("feature_matching: the gradient against finite differences") {
  Tensor<double> real({5, 2, 3, 2}), fake({3, 2, 3, 2}), dfake, unused;
  Random(1).fill_normal(real, 0.3);
  Random(2).fill_normal(fake);
  feature_matching(real, fake, dfake);
  REQUIRE(dfake.shape() == fake.shape());
  const double step = 1e-5, largest = dfake.array().abs().maxCoeff();
  for (Index i = 0; i < fake.size(); ++i) {
    const double here = fake[i];
    fake[i] = here + step;
    const double up = feature_matching(real, fake, unused);
    fake[i] = here - step;
    const double down = feature_matching(real, fake, unused);
    fake[i] = here;
    CHECK(std::abs(dfake[i] - (up - down) / (2 * step)) <= 1e-6 * largest);
  }
}

TEMPLATE_TEST_CASE("feature_matching: PyTorch's values", "", float, double) {
  using S = TestType;
  const Fixture fixture("adversarial_values");
  const double tolerance = std::is_same_v<S, float> ? 1e-6 : 1e-10;
  for (const std::string kind : {"vectors", "images"}) {
    const std::string at = "feature_matching." + kind;
    INFO(at);
    Tensor<S> dfake;
    const S value = feature_matching(fixture.tensor<S>(at + ".real.x"), fixture.tensor<S>(at + ".fake.x"), dfake);
    const double expected = fixture.number(at + ".value");
    CHECK(std::abs(static_cast<double>(value) - expected) <= tolerance * expected);
    CHECK(difference(dfake, fixture.tensor<S>(at + ".dfake")) <= tolerance);
  }
}

TEST_CASE("feature_matching: equal means leave nothing, NaN shows") {
  const Tensor<float> real({2, 2}, {1, 1e4f, 3, -1e4f}), other({1, 2}, {2, 0});
  Tensor<float> dfake;
  CHECK(feature_matching(real, other, dfake) == 0);
  CHECK((dfake.array() == 0).all());
  CHECK(feature_matching(real, Tensor<float>({1, 2}, {2, 1e4f}), dfake) == 1e8f);
  CHECK(dfake[1] == 2e4f);
  const Tensor<float> bad({1, 2}, {2, std::numeric_limits<float>::quiet_NaN()});
  CHECK(std::isnan(feature_matching(real, bad, dfake)));
}

TEST_CASE("feature_matching: the same bits on any number of threads, in the same memory") {
  const int before = threads();
  Tensor<float> real({32, 2, 2, 1001}), fake({24, 2, 2, 1001}), first, dfake;
  Random(1).fill_normal(real);
  Random(2).fill_normal(fake);
  set_threads(1);
  const float value = feature_matching(real, fake, first);
  dfake = first;
  const float* memory = dfake.data();
  for (int count = 2; count <= 4; ++count) {
    set_threads(count);
    dfake.fill(0);
    CHECK(feature_matching(real, fake, dfake) == value);
    CHECK(std::memcmp(dfake.data(), first.data(), static_cast<std::size_t>(first.size()) * sizeof(float)) == 0);
    CHECK(dfake.data() == memory);
  }
  set_threads(before);
}

TEST_CASE("feature_matching: refuses batches that do not match") {
  const Tensor<float> features({4, 3}), none;
  Tensor<float> dfake;
  CHECK_THROWS_WITH(
      feature_matching(features, Tensor<float>({4, 2}), dfake),
      ContainsSubstring("feature_matching: expected two batches of features of one shape, got 4x3 and 4x2"));
  CHECK_THROWS_WITH(feature_matching(features, Tensor<float>({4, 3, 1}), dfake),
                    ContainsSubstring("got 4x3 and 4x3x1"));
  CHECK_THROWS_WITH(feature_matching(none, features, dfake), ContainsSubstring("got 0 and 4x3"));
  CHECK_THROWS_WITH(feature_matching(features, none, dfake), ContainsSubstring("got 4x3 and 0"));
}
