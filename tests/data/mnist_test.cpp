#include <array>
#include <numeric>
#include <string>
#include "catch.hpp"

#include "rival/data/mnist.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

/// All bytes of a data set.
std::vector<std::uint8_t> bytes_of(const Dataset& data) {
  std::vector<std::uint8_t> all;
  for (Index i = 0; i < data.size(); ++i) all.insert(all.end(), data.values(i).begin(), data.values(i).end());
  return all;
}

std::uint64_t sum(const Dataset& data) {
  const auto bytes = bytes_of(data);
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
}

std::vector<Label> labels_of(const Dataset& data) { return {data.labels().begin(), data.labels().end()}; }

std::array<int, 10> histogram(Labels labels) {
  std::array<int, 10> counts{};
  for (const Label label : labels) ++counts[label];
  return counts;
}

const std::vector<std::uint8_t> pixels{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

}  // namespace

TEST_CASE("mnist: the real files") {
  // The numbers are those that a few lines of Python count in the same files.
  Mnist digits(RIVAL_MNIST_DIR);
  const Dataset train = digits.train();
  CHECK(train.size() == 60000);
  CHECK(train.sample_shape() == Shape{28, 28, 1});
  CHECK(train.classes() == 10);
  CHECK(sum(train) == 1567298545);
  CHECK(histogram(train.labels()) == std::array{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  const std::vector<Label> first(train.labels().begin(), train.labels().begin() + 12);
  CHECK(first == std::vector<Label>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5});
  const std::vector<std::uint8_t> stroke(train.values(0).begin() + 152, train.values(0).begin() + 164);
  CHECK(stroke == std::vector<std::uint8_t>{3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127});
  const Dataset again = digits.train();
  CHECK(again.values(0).data() == train.values(0).data());   // kept, and shared
  const auto& of_temporary = Mnist(RIVAL_MNIST_DIR).test();  // which outlives the reader
  CHECK(of_temporary.size() == 10000);
  CHECK(digits.class_values() == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  STATIC_REQUIRE_FALSE(std::is_reference_v<decltype(digits.class_values())>);  // so these outlive it too

  const Dataset test = digits.test();
  CHECK(test.size() == 10000);
  CHECK(sum(test) == 264923200);
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
    CHECK(bytes_of(digits.train()) == pixels);
    CHECK(labels_of(digits.train()) == std::vector<Label>{0, 1});
    CHECK(digits.class_values() == std::vector<std::int64_t>{1, 2});
  }
}

TEST_CASE("mnist: says what is wrong with the files") {
  const TemporaryFolder folder;
  const auto images = folder / "train-images-idx3-ubyte.gz", labels = folder / "train-labels-idx1-ubyte.gz";
  CHECK_THROWS_WITH(Mnist(folder / "no"), "mnist: no such folder " + quoted(folder / "no"));
  const auto file = folder.write("file", "x");
  CHECK_THROWS_WITH(Mnist(file), "mnist: expected a folder, got the file " + quoted(file));

  CHECK_THROWS_WITH(
      Mnist(folder.path()).train(),
      "mnist: expected the file train-images-idx3-ubyte, perhaps with .gz and a name in front, in the folder " +
          quoted(folder.path()) + ", found none");
  write_idx(images, {2, 3, 2}, pixels.data());
  CHECK_FALSE(Mnist(folder.path()).train().has_labels());  // that is fine
  write_idx(labels, {3}, pixels.data());
  const auto train = [&] { Mnist(folder.path()).train(); };
  CHECK_THROWS_WITH(train(), "mnist: " + quoted(images) + " has 2 images, " + quoted(labels) + " has 3 labels");
  write_idx(labels, {1, 1, 2}, pixels.data());
  CHECK_THROWS_WITH(train(), "idx file " + quoted(labels) +
                                 ": expected labels in a row, or in the first column of a table, got 1x1x2");
  write_idx(labels, {2}, std::vector<float>{1, 2}.data());
  CHECK_THROWS_WITH(train(), "idx file " + quoted(labels) + ": expected labels that are whole numbers, got floats");
  write_idx(labels, {0}, pixels.data());
  write_idx(images, {0, 28, 28}, pixels.data());
  CHECK_THROWS_WITH(train(), "mnist: " + quoted(images) + ": expected images, got 0x28x28");
  write_idx(images, {2, 3, 2}, std::vector<std::int16_t>(12).data());
  write_idx(labels, {2}, pixels.data());
  CHECK_THROWS_WITH(train(), Catch::Matchers::ContainsSubstring("expected images of unsigned bytes or floats"));
  write_idx(images, {2, 3, 2}, std::vector<float>(12, 300.0f).data());
  CHECK_THROWS_WITH(
      train(), Catch::Matchers::ContainsSubstring("expected values from 0 to 1, -1 to 1 or 0 to 255, got 0 to 300"));

  Mnist digits(folder.path());
  CHECK_THROWS(digits.train());
  write_idx(images, {2, 3, 2}, pixels.data());
  CHECK(digits.train().size() == 2);  // a failure is not kept
}

TEST_CASE("mnist: classes are the labels that occur, whatever their values and type") {
  const TemporaryFolder folder;
  const auto images = folder / "train-images-idx3-ubyte", labels = folder / "train-labels-idx1-ubyte";
  const auto train = [&](const auto& values, const Shape& shape) {
    write_idx(images, {4, 3, 1}, pixels.data());
    write_idx(labels, shape, values.data());
    return read_images({images, labels});
  };
  const auto letters = train(std::vector<std::uint8_t>{26, 1, 2, 1}, {4});
  CHECK(letters.data.classes() == 3);
  CHECK(labels_of(letters.data) == std::vector<Label>{2, 0, 1, 0});
  CHECK(letters.class_of(26) == 2);
  CHECK_THROWS_WITH(letters.class_of(5), "expected one of the 3 labels 1, 2, 26, got 5");
  // Of many classes the line stays short.
  LabelledImages many;
  for (int i = 0; i < 62; ++i) many.class_values.push_back(i);
  CHECK(many.class_of(61) == 61);
  CHECK_THROWS_WITH(many.class_of(62), "expected one of the 62 labels 0 to 61, got 62");
  CHECK_THROWS_WITH(LabelledImages().class_of(1), "expected no label, as there are none, got 1");
  const auto far = train(std::vector<std::int32_t>{-7, 100000, -7, 100000}, {4});
  CHECK(labels_of(far.data) == std::vector<Label>{0, 1, 0, 1});
  CHECK(far.class_values == std::vector<std::int64_t>{-7, 100000});
  // QMNIST: eight columns, of which the first is the class.
  std::vector<std::int32_t> table(32, 99);
  for (std::size_t i = 0; i < 4; ++i) table[8 * i] = static_cast<std::int32_t>(5 - i);
  const auto qmnist = train(table, {4, 8});
  CHECK(labels_of(qmnist.data) == std::vector<Label>{3, 2, 1, 0});
  CHECK(qmnist.class_values == std::vector<std::int64_t>{2, 3, 4, 5});
}

TEST_CASE("mnist: a test part has the classes of the whole set") {
  const TemporaryFolder folder;
  write_idx(folder / "train-images-idx3-ubyte", {4, 3, 1}, pixels.data());
  write_idx(folder / "train-labels-idx1-ubyte", {4}, std::vector<std::uint8_t>{4, 6, 8, 6}.data());
  write_idx(folder / "t10k-images-idx3-ubyte", {2, 3, 1}, pixels.data());
  write_idx(folder / "t10k-labels-idx1-ubyte", {2}, std::vector<std::uint8_t>{8, 9}.data());
  Mnist set(folder.path());
  CHECK(labels_of(set.test()) == std::vector<Label>{2, 3});
  CHECK(labels_of(set.train()) == std::vector<Label>{0, 1, 2, 1});
  CHECK(set.train().classes() == 4);
}

TEST_CASE("mnist: finds the files of EMNIST, QMNIST and torchvision, and does not guess among several") {
  const TemporaryFolder folder;
  const auto put = [&](const std::string& name, const Shape& shape) {
    std::filesystem::create_directories((folder / name).parent_path());
    write_idx(folder / name, shape, pixels.data());
  };
  put("e/emnist-letters-train-images-idx3-ubyte.gz", {2, 3, 2});
  put("e/emnist-letters-train-labels-idx1-ubyte.gz", {2});
  put("e/emnist-letters-mapping.txt", {1});
  const Dataset letters = Mnist(folder / "e").train();
  CHECK(letters.sample_shape() == Shape{2, 3, 1});  // turned
  CHECK(bytes_of(letters) == std::vector<std::uint8_t>{1, 3, 5, 2, 4, 6, 7, 9, 11, 8, 10, 12});
  put("q/qmnist-train-images-idx3-ubyte.gz", {2, 3, 2});
  put("q/qmnist-train-labels-idx2-int.gz", {2, 1});
  put("q/qmnist-test-images-idx3-ubyte.gz", {1, 3, 2});
  CHECK(Mnist(folder / "q").train().has_labels());
  CHECK(Mnist(folder / "q").test().size() == 1);
  put("t/MNIST/raw/train-images-idx3-ubyte", {2, 3, 2});
  put("t/MNIST/raw/train-images-idx3-ubyte.gz", {1, 3, 2});
  CHECK(Mnist(folder / "t").train().size() == 2);  // the plain one
  CHECK(Mnist(folder / "t" / "MNIST").train().size() == 2);
  put("t/FashionMNIST/raw/train-images-idx3-ubyte", {2, 3, 2});
  CHECK_THROWS_WITH(Mnist(folder / "t").train(),
                    Catch::Matchers::ContainsSubstring("expected one data set in the folder " + quoted(folder / "t")));
  put("e/emnist-digits-train-images-idx3-ubyte.gz", {2, 3, 2});
  CHECK_THROWS_WITH(
      Mnist(folder / "e").train(),
      "mnist: expected one file of images to train in the folder " + quoted(folder / "e") +
          ", found emnist-digits-train-images-idx3-ubyte.gz, emnist-letters-train-images-idx3-ubyte.gz; name "
          "the files that you mean (read_images, or --images and --labels)");
}

TEST_CASE("mnist: labels are those of the images, never another set's") {
  const TemporaryFolder folder;
  const auto put = [&](const std::string& name, const Shape& shape) {
    std::filesystem::create_directories((folder / name).parent_path());
    write_idx(folder / name, shape, pixels.data());
  };
  // Labels below belong to a set of their own.
  put("x/train-images-idx3-ubyte", {2, 3, 2});
  put("x/KMNIST/raw/train-images-idx3-ubyte", {2, 3, 2});
  put("x/KMNIST/raw/train-labels-idx1-ubyte", {2});
  CHECK_FALSE(Mnist(folder / "x").train().has_labels());
  CHECK(Mnist(folder / "x").class_values().empty());
  CHECK(Mnist(folder / "x" / "KMNIST").train().has_labels());
  put("y/emnist-letters-train-images-idx3-ubyte", {2, 3, 2});
  put("y/emnist-digits-train-labels-idx1-ubyte", {2});
  CHECK_THROWS_WITH(Mnist(folder / "y").train(),
                    "mnist: expected labels with the name of their images " +
                        quoted(folder / "y" / "emnist-letters-train-images-idx3-ubyte") + ", found " +
                        quoted(folder / "y" / "emnist-digits-train-labels-idx1-ubyte") +
                        "; name the files that you mean (read_images, or --images and --labels)");
}

TEST_CASE("mnist: images of floats, by the range that they come in") {
  const TemporaryFolder folder;
  const auto first = [&](std::vector<float> values) {
    write_idx(folder / "a", {2, 2, 1}, values.data());
    Tensor<float> batch;
    read_images({folder / "a"}).data.gather<float>(std::vector<Index>{0, 1}, batch);
    return std::vector<float>(batch.data(), batch.data() + 4);
  };
  CHECK(first({0, 0.5f, 1, 0.25f}) == std::vector<float>{-1, 0, 1, -0.5f});
  CHECK(first({-1, 0.5f, 1, 0}) == std::vector<float>{-1, 0.5f, 1, 0});
  CHECK(first({0, 127.5f, 255, 0}) == std::vector<float>{-1, 0, 1, -1});
}
