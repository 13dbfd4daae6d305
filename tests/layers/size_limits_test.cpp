// Sizes are checked before they are multiplied.
#include <limits>
#include "catch.hpp"

#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/resample.hpp"
#include "rival/layers/upsample.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("layers: sizes that no index can count are refused by name") {
  constexpr Index huge = Index{1} << 61, most = std::numeric_limits<Index>::max();
  const auto at_most = ContainsSubstring("of at most 2147483648");
  CHECK_THROWS_WITH(ConvTranspose2d<>({.in = 1, .out = 1, .kernel = 3, .stride = huge}), at_most);
  CHECK_THROWS_WITH(Conv2d<>({.in = 1, .out = 1, .kernel = 3, .padding = most / 2}), at_most);
  CHECK_THROWS_WITH(Conv2d<>({.in = 1, .out = 1, .kernel = 3, .padding_end = Size2(1, most)}), at_most);
  CHECK_THROWS_WITH(Conv2d<>({.in = 1, .out = 1, .kernel = Size2(1, huge)}), at_most);
  CHECK_THROWS_WITH(Upsample<>({.factor = Index{1} << 40}), at_most);
  CHECK_THROWS_WITH(MaxPool2d<>({.kernel = huge}), at_most);
  CHECK_THROWS_WITH(AvgPool2d<>({.kernel = 2, .stride = most}), at_most);

  const auto beyond = ContainsSubstring("than an index can count");
  const Shape tall{Index{1} << 61, 1, 1};
  CHECK_THROWS_WITH(ConvTranspose2d<>({.in = 1, .out = 1, .kernel = 3, .stride = 2}).output_shape(tall), beyond);
  CHECK_THROWS_WITH(Upsample<>({.factor = 4}).output_shape(tall), beyond);
  CHECK_THROWS_WITH(BlurUpsample<>().output_shape(tall), beyond);
  CHECK_THROWS_WITH(Pack<>(most).output_shape({3}), beyond);
  CHECK_THROWS_WITH(
      Conv2d<>({.in = 1, .out = 1, .kernel = 1, .padding = Index{1} << 31}).output_shape({Index{1} << 62, 1, 1}),
      beyond);
  CHECK_THROWS_WITH(MaxPool2d<>({.kernel = 4, .padding = 2}).output_shape({Index{1} << 62, 1, 1}), beyond);
  // What fits stays.
  CHECK(Conv2d<>({.in = 1, .out = 2, .kernel = 3, .padding = 1}).output_shape({9, 9, 1}) == Shape{9, 9, 2});
}
