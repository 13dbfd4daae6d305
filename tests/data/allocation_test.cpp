// A warm loader allocates nothing.
#include <cstdint>
#include <vector>
#include "catch.hpp"

#include "counting_new.hpp"
#include "rival/data/loader.hpp"

using namespace rival;
using rival_test::allocations;

TEST_CASE("loader: allocates nothing once warm") {
  const Dataset data({8, 4, 1}, std::vector<std::uint8_t>(250 * 32), std::vector<std::uint8_t>(250));
  Loader<double> loader(data, {.batch = 32, .drop_last = false}, Random(5));
  Tensor<double> images;
  std::vector<Label> labels;
  const long cold = allocations;
  loader.next(images, labels);
  const long before = allocations;
  CHECK(before > cold);  // the counter counts
  const long start = allocations;
  for (int i = 0; i < 40; ++i) loader.next(images, labels);  // several epochs
  const long end = allocations;
  CHECK(end == start);
}
