#include <array>
#include <numeric>
#include <string>
#include "catch.hpp"

#include "rival/data/mnist.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

std::uint64_t sum(const std::vector<std::uint8_t>& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
}

std::array<int, 10> histogram(const std::vector<std::uint8_t>& labels) {
  std::array<int, 10> counts{};
  for (const std::uint8_t label : labels) ++counts[label];
  return counts;
}

const std::vector<std::uint8_t> pixels{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

}  // namespace

TEST_CASE("mnist: the real files") {
  // The numbers are those that a few lines of Python count in the same files.
  Mnist digits(RIVAL_MNIST_DIR);
  const ImageDataset& train = digits.train();
  CHECK(train.size() == 60000);
  CHECK(train.sample_shape() == Shape{28, 28, 1});
  CHECK(train.classes() == 10);
  CHECK(sum(train.images()) == 1567298545);
  CHECK(histogram(train.labels()) == std::array{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  const std::vector<std::uint8_t> first(train.labels().begin(), train.labels().begin() + 12);
  CHECK(first == std::vector<std::uint8_t>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5});
  const std::vector<std::uint8_t> stroke(train.image(0).begin() + 152, train.image(0).begin() + 164);
  CHECK(stroke == std::vector<std::uint8_t>{3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127});
  CHECK(&digits.train() == &train);  // kept

  const ImageDataset& test = digits.test();
  CHECK(test.size() == 10000);
  CHECK(sum(test.images()) == 264923200);
  CHECK(histogram(test.labels()) == std::array{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
  CHECK(test.label(0) == 7);
}

TEST_CASE("mnist: takes every usual name and any size of image, and reads only what is asked for") {
  const std::array<std::array<std::string, 2>, 4> names{{{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
                                                         {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"},
                                                         {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"},
                                                         {"train-images.idx3-ubyte", "train-labels.idx1-ubyte.gz"}}};
  for (const auto& [images, labels] : names) {
    const TemporaryFolder folder;
    write_idx(folder / images, {2, 3, 2}, pixels.data());
    write_idx(folder / labels, {2}, pixels.data());
    folder.write("t10k-images-idx3-ubyte", "not looked at");
    Mnist digits(folder.path());
    CHECK(digits.train().sample_shape() == Shape{3, 2, 1});
    CHECK(digits.train().images() == pixels);
    CHECK(digits.train().labels() == std::vector<std::uint8_t>{1, 2});
  }
}

TEST_CASE("mnist: says what is wrong with the files") {
  const TemporaryFolder folder;
  const auto images = folder / "train-images-idx3-ubyte.gz", labels = folder / "train-labels-idx1-ubyte.gz";
  CHECK_THROWS_WITH(Mnist(folder / "no"), "mnist: no such folder " + quoted(folder / "no"));
  const auto file = folder.write("file", "x");
  CHECK_THROWS_WITH(Mnist(file), "mnist: expected a folder, got the file " + quoted(file));

  Mnist digits(folder.path());
  CHECK_THROWS_WITH(digits.train(),
                    "mnist: expected the file train-images-idx3-ubyte, perhaps with .gz, in the folder " +
                        quoted(folder.path()) + ", found none");
  write_idx(images, {2, 3, 2}, pixels.data());
  CHECK_THROWS_WITH(digits.train(),
                    "mnist: expected the file train-labels-idx1-ubyte, perhaps with .gz, in the folder " +
                        quoted(folder.path()) + ", found none");
  write_idx(labels, {3}, pixels.data());
  CHECK_THROWS_WITH(digits.train(), "mnist: " + quoted(images) + " has 2 images, " + quoted(labels) + " has 3 labels");
  write_idx(labels, {2}, pixels.data() + 8);
  CHECK_THROWS_WITH(digits.train(), quoted(labels) + ": expected labels below 10, got 10 at place 1");
  CHECK(Mnist(folder.path(), 11).train().classes() == 11);
  write_idx(labels, {2, 1}, pixels.data());
  CHECK_THROWS_WITH(
      digits.train(),
      "idx file " + quoted(labels) + ": expected the magic number 0x00000801 (unsigned bytes, rank 1), got 0x00000802");
  write_idx(labels, {0}, pixels.data());
  write_idx(images, {0, 28, 28}, pixels.data());
  CHECK_THROWS_WITH(digits.train(), "mnist: " + quoted(images) + ": expected images, got 0x28x28");
  write_idx(labels, {2}, pixels.data());
  write_idx(images, {2, 3, 2}, pixels.data());
  CHECK(digits.train().size() == 2);  // a failure is not kept
}
