#include "rival/metrics/joint_modes.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "rival/layers/dense.hpp"
#include "rival/metrics/kl_to_law.hpp"

using namespace rival;
using Catch::Contains;

namespace {

/// Tells `classes` classes apart by number `column` of a sample, which is the class.
Classifier<float> reader(Index columns, Index column, Index classes) {
  Dense<float> dense({.in = columns, .out = classes});
  Sequential<float> layers(std::move(dense));
  Classifier<float> classifier({columns}, std::move(layers));
  for (auto* parameter : classifier.parameters()) parameter->value.array() = 0;
  // logit k = k x - k^2 / 2 is greatest for k = x.
  auto& weight = classifier.parameters()[0]->value;
  auto& bias = classifier.parameters()[1]->value;
  for (Index k = 0; k < classes; ++k) {
    weight[column * classes + k] = static_cast<float>(k);
    bias[k] = -static_cast<float>(k * k) / 2;
  }
  return classifier;
}

Tensor<float> samples(const std::vector<std::vector<float>>& rows) {
  Tensor<float> all({static_cast<Index>(rows.size()), static_cast<Index>(rows[0].size())});
  Index at = 0;
  for (const auto& row : rows)
    for (const float x : row) all[at++] = x;
  return all;
}

}  // namespace

TEST_CASE("joint modes: what several classifiers see, as one number") {
  const std::vector<Classifier<float>> classifiers{reader(3, 0, 2), reader(3, 2, 4), reader(3, 1, 3)};
  const auto counts = joint_mode_counts<float>(classifiers, samples({{1, 2, 3}, {0, 0, 1}, {1, 2, 3}, {1, 1, 0}}));
  REQUIRE(counts.size() == 24);
  std::vector<Index> expected(24, 0);
  expected[(1 * 4 + 3) * 3 + 2] = 2;
  expected[(0 * 4 + 1) * 3 + 0] = 1;
  expected[(1 * 4 + 0) * 3 + 1] = 1;
  CHECK(counts == expected);
}

TEST_CASE("joint modes: the law of independent attributes is the product of their shares") {
  // Counts of (a, b), a of 2 classes and b of 3.
  const std::vector<Index> counts{6, 2, 0, 1, 0, 1};
  const auto law = independent_law(counts, {2, 3});
  const double a[] = {0.8, 0.2}, b[] = {0.7, 0.2, 0.1};
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 3; ++j) CHECK(law[i * 3 + j] == Approx(a[i] * b[j]).epsilon(1e-12));
  // Of one attribute it is the shares themselves.
  CHECK(independent_law({3, 1}, {2}) == std::vector<double>{0.75, 0.25});
  // Independent counts have no distance to it, others have their mutual information.
  CHECK(kl_to_law(std::vector<Index>{4, 8, 1, 2}, independent_law({4, 8, 1, 2}, {2, 2})) == Approx(0).margin(1e-12));
  CHECK(kl_to_law(std::vector<Index>{5, 0, 0, 5}, independent_law({5, 0, 0, 5}, {2, 2})) ==
        Approx(std::log(2.0)).epsilon(1e-12));
}

TEST_CASE("joint modes: what cannot be counted is refused") {
  const std::vector<Classifier<float>> one{reader(3, 0, 2)}, none;
  CHECK_THROWS_WITH(joint_mode_counts<float>(none, samples({{1}})), Contains("at least one classifier"));
  CHECK_THROWS_WITH(joint_mode_counts<float>(one, samples({{1, 2}})), Contains("samples"));
  const std::vector<Classifier<float>> many(4, reader(1, 0, 100));
  CHECK_THROWS_WITH(joint_mode_counts<float>(many, samples({{1}})), Contains("1000000 modes together"));
  CHECK_THROWS_WITH(independent_law({1, 2, 3}, {2, 2}), Contains("counts of 4 modes, got 3"));
  CHECK_THROWS_WITH(independent_law({0, 0}, {2}), Contains("not all 0"));
}
