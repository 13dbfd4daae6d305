#include <algorithm>
#include <cmath>
#include <set>
#include <vector>
#include "catch.hpp"

#include "rival/data/loader.hpp"
#include "temporary_folder.hpp"

using namespace rival;

namespace {

/// Images of 2 x 1 pixels of which the first is the image's number and the second its label.
Dataset numbered(int count) {
  std::vector<std::uint8_t> images;
  std::vector<Label> labels;
  for (int i = 0; i < count; ++i) {
    labels.push_back(static_cast<Label>(i % 7));
    images.push_back(static_cast<std::uint8_t>(i));
    images.push_back(static_cast<std::uint8_t>(labels.back()));
  }
  return {{2, 1, 1}, images, labels};
}

/// The numbers of the images that the rest of an epoch brings.
std::vector<int> rest_of_epoch(Loader<float>& loader) {
  std::vector<int> order;
  Tensor<float> images;
  while (loader.next(images))
    for (Index i = 0; i < images.dim(0); ++i)
      order.push_back(static_cast<int>(std::lround((images[2 * i] + 1) * 127.5f)));
  return order;
}

}  // namespace

TEST_CASE("loader: an epoch brings every image once, each time in another order") {
  const Dataset data = numbered(100);
  Loader loader(data, {.batch = 10}, Random(7).stream("data"));
  CHECK(loader.batches_per_epoch() == 10);
  std::set<std::vector<int>> orders;
  for (Index epoch = 0; epoch < 5; ++epoch) {
    CHECK(loader.epoch() == epoch);
    std::vector<int> order = rest_of_epoch(loader);
    orders.insert(order);
    CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
    std::sort(order.begin(), order.end());
    REQUIRE(order.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  }
  CHECK(orders.size() == 5);
}

TEST_CASE("loader: the last batch is dropped or short") {
  const Dataset data = numbered(23);
  Loader dropping(data, {.batch = 5}, Random(1));
  CHECK(dropping.batches_per_epoch() == 4);
  CHECK(rest_of_epoch(dropping).size() == 20);
  Loader keeping(data, {.batch = 5, .drop_last = false}, Random(1));
  CHECK(keeping.batches_per_epoch() == 5);
  Tensor<float> images;
  for (const Index expected : {5, 5, 5, 5, 3}) {
    REQUIRE(keeping.next(images));
    CHECK(images.shape() == Shape{expected, 2, 1, 1});
  }
  CHECK_FALSE(keeping.next(images));
  CHECK(keeping.epoch() == 1);
  CHECK(images.dim(0) == 3);  // left as it was
  CHECK(rest_of_epoch(keeping).size() == 23);
  Loader whole(data, {.batch = 23}, Random(1));
  CHECK(rest_of_epoch(whole).size() == 23);
}

TEST_CASE("loader: labels come with their images") {
  const Dataset data = numbered(50);
  Loader loader(data, {.batch = 16, .drop_last = false}, Random(3));
  Tensor<float> images;
  std::vector<Label> labels;
  while (loader.next(images, labels)) {
    REQUIRE(static_cast<Index>(labels.size()) == images.dim(0));
    for (std::size_t i = 0; i < labels.size(); ++i)
      CHECK(images(i, 1, 0, 0) == from_byte<float>(static_cast<std::uint8_t>(labels[i])));
  }
}

TEST_CASE("loader: the stream decides the order, and without shuffling the data set does") {
  const Dataset data = numbered(60);
  Loader one(data, {.batch = 6}, Random(7)), same(data, {.batch = 15}, Random(7)), other(data, {.batch = 6}, Random(8));
  const std::vector<int> order = rest_of_epoch(one);
  CHECK(rest_of_epoch(same) == order);  // whatever the batch
  CHECK(rest_of_epoch(other) != order);
  Loader plain(data, {.batch = 6, .shuffle = false}, Random(7));
  for (int epoch = 0; epoch < 2; ++epoch) {
    const std::vector<int> in_order = rest_of_epoch(plain);
    REQUIRE(in_order.size() == 60);
    CHECK(in_order.front() == 0);
    CHECK(in_order.back() == 59);
    CHECK(std::is_sorted(in_order.begin(), in_order.end()));
  }
}

TEST_CASE("loader: goes on from any position of another loader") {
  const Dataset data = numbered(30);
  for (const bool shuffle : {true, false})
    for (int steps = 0; steps < 12; ++steps) {  // the ends of the first two epochs among them
      Loader loader(data, {.batch = 7, .drop_last = false, .shuffle = shuffle}, Random(5));
      Tensor<float> images;
      for (int i = 0; i < steps; ++i) loader.next(images);
      Loader resumed(data, loader.options(), Random(99));
      rest_of_epoch(resumed);
      resumed.set_position(loader.position());
      CHECK(resumed.position() == loader.position());
      for (int epoch = 0; epoch < 3; ++epoch) {
        CHECK(rest_of_epoch(resumed) == rest_of_epoch(loader));
        CHECK(resumed.epoch() == loader.epoch());
      }
    }
}

TEST_CASE("loader: refuses what it cannot do") {
  const Dataset data = numbered(10);
  CHECK_THROWS_WITH(Loader(data, {.batch = 0}, Random(1)), "loader: expected a batch of at least 1, got 0");
  CHECK_THROWS_WITH(Loader(data, {.batch = 11}, Random(1)),
                    "loader: expected a batch no greater than the data set of 10 samples, got 11");
  const Dataset none;
  CHECK_THROWS_WITH(Loader(none, {.batch = 1}, Random(1)),
                    "loader: expected a batch no greater than the data set of 0 samples, got 1");
  Loader loader(data, {.batch = 5}, Random(1));
  CHECK_THROWS_WITH(loader.set_position({.epoch = 2, .taken = 11, .stream = {}}),
                    "loader: expected a position within 10 samples, got sample 11 of epoch 2");
  const Dataset unlabelled({1, 1, 1}, {1, 2, 3});
  Loader without(unlabelled, {.batch = 1}, Random(1));
  Tensor<float> images;
  std::vector<Label> labels;
  CHECK_THROWS_WITH(without.next(images, labels), "loader: labels were asked for, but the data set has none");
  CHECK(without.position().taken == 0);
}

TEST_CASE("loader: a batch that cannot be read is not taken") {
  const rival_test::TemporaryFolder folder;
  const auto path = folder.write("a", "abcdefghij");
  Loader loader(Dataset::mapped<std::uint8_t>(path, 0, {1}, 10, std::vector<int>(10, 3)), {.batch = 4}, Random(1));
  Tensor<float> images;
  std::vector<Label> labels;
  REQUIRE(loader.next(images, labels));
  const LoaderPosition before = loader.position();
  std::filesystem::resize_file(path, 5);
  CHECK_THROWS_WITH(loader.next(images, labels), Catch::Matchers::ContainsSubstring("it was cut"));
  CHECK_THROWS_WITH(loader.next(images), Catch::Matchers::ContainsSubstring("it was cut"));
  CHECK(loader.position() == before);
}
