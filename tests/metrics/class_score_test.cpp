// What a classifier makes of samples, held against numpy and scipy.
#include "rival/metrics/class_score.hpp"

#include <cmath>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/metrics/kl_to_law.hpp"

using namespace rival;

namespace {

const rival_test::Fixture& values() {
  static const rival_test::Fixture fixture("metric_values");
  return fixture;
}

}  // namespace

TEST_CASE("class_score: numpy's values, in one part and in ten unequal ones") {
  const auto logits = values().tensor<double>("logits");
  CHECK(class_score(logits, 1).mean == Catch::Approx(values().number("class_score1")).epsilon(1e-12));
  CHECK(class_score(logits, 1).deviation == 0);
  const Estimate ten = class_score(logits);
  CHECK(ten.mean == Catch::Approx(values().tensor<double>("class_score10")[0]).epsilon(1e-12));
  CHECK(ten.deviation == Catch::Approx(values().tensor<double>("class_score10")[1]).epsilon(1e-12));
}

TEST_CASE("class_score: 1 for samples that all look alike, K for sure ones of all classes") {
  CHECK(class_score(Tensor<>({20, 5}, 2.0f)).mean == Catch::Approx(1).epsilon(1e-12));
  Tensor<double> sure({50, 5});
  for (Index i = 0; i < 50; ++i) sure(i, i % 5) = 2000;  // whose e^x is infinite
  CHECK(class_score(sure).mean == Catch::Approx(5).epsilon(1e-12));
  CHECK_THROWS_WITH(class_score(sure, 51), "class_score: expected 1 to 50 parts, got 51");
}

TEST_CASE("predicted_classes and class_counts") {
  const Tensor<> logits({4, 3}, {0, 1, 2, 5, 5, 1, -1, -2, -3, 0, 9, 0});
  const auto classes = predicted_classes(logits);
  CHECK(classes == std::vector<Label>{2, 0, 0, 1});
  CHECK(class_counts(classes, 4) == std::vector<Index>{2, 1, 1, 0});
  CHECK_THROWS_WITH(class_counts(classes, 2), "class_counts: expected labels below 2, got 2");
}

TEST_CASE("kl_to_law: scipy's value, and its ends") {
  const std::vector<double> law{1, 2, 3, 4};
  CHECK(kl_to_law(std::vector<Index>{7, 0, 3, 5}, law) == Catch::Approx(values().number("kl")).epsilon(1e-12));
  CHECK(kl_to_law(law, law) == 0);
  CHECK(std::isinf(kl_to_law(law, std::vector<Index>{1, 0, 1, 1})));
  CHECK_THROWS_WITH(kl_to_law(law, std::vector<Index>{1}),
                    "kl_to_law: expected as many classes in the law as there are counts, 4, got 1");
  CHECK_THROWS_WITH(kl_to_law(std::vector<Index>(4), law), "kl_to_law: expected counts that are not all 0");
  CHECK_THROWS_WITH(kl_to_law(law, std::vector<double>{1, -1, 1, 1}),
                    "kl_to_law: expected weights of the law >= 0, got -1");
}
