#include "rival/data/tokens.hpp"
#include "catch.hpp"

#include <algorithm>
#include <limits>
#include <vector>

using Catch::Matchers::Message;
using rival::Label;
using rival::tokens_of;

TEST_CASE("tokens: of a data set, and of samples by their greatest value") {
  const auto data = rival::Dataset::of_classes({3}, 4, {0, 1, 2, 3, 3, 0});
  const rival::Tokens lines = tokens_of(data);
  CHECK(lines.length == 3);
  CHECK(lines.kinds == 4);
  CHECK(lines.count() == 2);
  CHECK(lines.values == std::vector<Label>{0, 1, 2, 3, 3, 0});
  CHECK(lines.line(1)[0] == 3);

  rival::Tensor<> samples({1, 3, 2});
  const std::vector<float> values{0.25f, 0.75f, 0.5f, 0.5f, -1, -2};
  std::copy(values.begin(), values.end(), samples.data());
  CHECK(tokens_of(samples).values == std::vector<Label>{1, 0, 0});

  rival::Tensor<> batch;
  const std::vector<rival::Index> both{0, 1};
  data.gather(both, batch);
  CHECK(tokens_of(batch).values == lines.values);
}

TEST_CASE("tokens: drawn by their probabilities, and by sharper ones") {
  const rival::Index count = 20'000;
  rival::Tensor<> samples({count, 1, 3});
  for (rival::Index i = 0; i < count; ++i) samples[3 * i] = 0.2f, samples[3 * i + 1] = 0, samples[3 * i + 2] = 0.8f;
  const auto share = [&](double temperature) {
    rival::Random random(5);
    const auto drawn = rival::draw_tokens(samples, temperature, random);
    CHECK(std::count(drawn.values.begin(), drawn.values.end(), 1) == 0);
    return static_cast<double>(std::count(drawn.values.begin(), drawn.values.end(), 0)) / static_cast<double>(count);
  };
  // 5 deviations of a share of 20,000 are below 0.018.
  CHECK(share(1) == Approx(0.2).margin(0.018));
  CHECK(share(0.5) == Approx(1.0 / 17).margin(0.018));  // 0.04 to 0.64
  CHECK(share(2) == Approx(1.0 / 3).margin(0.018));     // 0.447 to 0.894
  CHECK(share(1e-3) == 0);
  rival::Random random(5);
  CHECK_THROWS_MATCHES(rival::draw_tokens(samples, 0, random), rival::Error,
                       Message("tokens: expected a positive, finite temperature, got 0"));
  samples[4] = -1;
  CHECK_THROWS_MATCHES(rival::draw_tokens(samples, 1, random), rival::Error,
                       Message("tokens: expected probabilities, got -1 in sample 1"));
}

TEST_CASE("tokens: refuses what says no lines") {
  CHECK_THROWS_MATCHES(tokens_of(rival::Dataset({2}, std::vector<float>(4))), rival::Error,
                       Message("tokens: expected a data set of lines, {length, kinds}, got samples of 2"));
  CHECK_THROWS_MATCHES(tokens_of(rival::Dataset({2, 2}, std::vector<float>(4))), rival::Error,
                       Message("data set: its values are of another type"));
  CHECK_THROWS_MATCHES(tokens_of(rival::Tensor<>({2, 2})), rival::Error,
                       Message("tokens: expected samples {N, length, kinds}, got 2x2"));
  rival::Tensor<> broken({2, 1, 2});
  broken[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_MATCHES(tokens_of(broken), rival::Error, Message("tokens: expected numbers, got NaN in sample 1"));
}
