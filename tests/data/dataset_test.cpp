#include <cstdint>
#include <vector>
#include "catch.hpp"

#include "rival/data/dataset.hpp"

using namespace rival;

TEST_CASE("dataset: bytes become numbers in [-1, 1]") {
  CHECK(from_byte<float>(0) == -1.0f);
  CHECK(from_byte<float>(255) == 1.0f);
  CHECK(from_byte<double>(0) == -1.0);
  CHECK(from_byte<double>(255) == 1.0);
  for (int b = 0; b < 256; ++b) {
    // Two roundings of numbers below 2, each off by half a unit in the last place at most.
    CHECK(std::abs(from_byte<float>(static_cast<std::uint8_t>(b)) - (2 * b - 255) / 255.0) <= 2.4e-7);
    CHECK(std::abs(from_byte<double>(static_cast<std::uint8_t>(b)) - (2 * b - 255) / 255.0) <= 4.5e-16);
  }
}

TEST_CASE("dataset: holds the user's own images") {
  const ImageDataset data({2, 1, 3}, {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 255}, {4, 0});
  CHECK(data.size() == 2);
  CHECK(data.sample_shape() == Shape{2, 1, 3});
  CHECK(data.classes() == 5);
  CHECK(data.label(0) == 4);
  CHECK(data.image(1)[0] == 10);
  CHECK(data.image(1).size() == 6);

  const std::vector<Index> which{1, 0, 1};
  std::vector<std::uint8_t> labels;
  data.gather_labels(which, labels);
  CHECK(labels == std::vector<std::uint8_t>{0, 4, 0});
  Tensor<double> batch;
  data.gather(which, batch);
  REQUIRE(batch.shape() == Shape{3, 2, 1, 3});
  for (Index n = 0; n < 3; ++n)
    for (Index p = 0; p < 6; ++p)
      CHECK(batch[6 * n + p] ==
            from_byte<double>(data.image(which[static_cast<std::size_t>(n)])[static_cast<std::size_t>(p)]));
}

TEST_CASE("dataset: a large batch is the same on any number of threads") {
  std::vector<std::uint8_t> bytes(300 * 1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 3);
  const ImageDataset data({20, 50, 1}, bytes);
  CHECK_FALSE(data.has_labels());
  CHECK(data.classes() == 0);
  std::vector<Index> which(300);
  for (std::size_t i = 0; i < which.size(); ++i) which[i] = static_cast<Index>(i * 7 % 300);
  const int before = threads();
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    Tensor<float> batch;
    data.gather(which, batch);
    Index wrong = 0;
    for (Index n = 0; n < 300; ++n)
      for (Index p = 0; p < 1000; ++p)
        wrong += batch[1000 * n + p] != from_byte<float>(bytes[static_cast<std::size_t>(1000 * (n * 7 % 300) + p)]);
    CHECK(wrong == 0);
  }
  set_threads(before);
}

TEST_CASE("dataset: refuses what does not fit") {
  const std::vector<std::uint8_t> bytes(12);
  CHECK_THROWS_WITH(ImageDataset({2, 2}, bytes),
                    "image data set: expected images of height x width x channels, got 2x2");
  CHECK_THROWS_WITH(ImageDataset({0, 2, 1}, bytes),
                    "image data set: expected images of height x width x channels, got 0x2x1");
  CHECK_THROWS_WITH(ImageDataset({5, 1, 1}, bytes), "image data set: expected a multiple of 5x1x1 = 5 bytes, got 12");
  CHECK_THROWS_WITH(ImageDataset({2, 2, 1}, bytes, {1, 2}),
                    "image data set: expected 3 labels, one for each image, got 2");
  CHECK_THROWS_WITH(ImageDataset({2, 2, 1}, bytes, {1, 10, 2}, 10),
                    "image data set: expected labels below 10, got 10 at place 1");
  CHECK_THROWS_WITH(ImageDataset({2, 2, 1}, bytes, {}, -1), "image data set: expected a number of classes, got -1");
  std::vector<std::uint8_t> labels;
  CHECK_THROWS_WITH(ImageDataset({2, 2, 1}, bytes).gather_labels({}, labels), "image data set: it has no labels");
}
