// A warm loader allocates nothing, nor does a warm distortion.
#include <cstdint>
#include <vector>
#include "catch.hpp"

#include "counting_new.hpp"
#include "rival/data/distortion.hpp"
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

TEST_CASE("distortion: allocates nothing once warm, on any number of threads") {
  const int count_before = threads();
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    Distortion<> distort({.shift = 2, .rotate = 10, .scale = 1.1, .elastic = 1, .flip = 0.5, .noise = 0.1});
    const Tensor<float> images({64, 28, 28, 1}, 0.5f);
    Tensor<float> changed;
    Random random(1);
    distort(images, changed, random);
    const long start = allocations;
    for (int i = 0; i < 3; ++i) distort(images, changed, random);
    const long end = allocations;
    CHECK(end == start);
  }
  set_threads(count_before);
}
