#include "rival/data/tokens.hpp"
#include "catch.hpp"

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
