#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>
#include "catch.hpp"

#include "rival/data/dataset.hpp"
#include "temporary_folder.hpp"

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
  const Dataset data({2, 1, 3}, {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 255}, {4, 0});
  CHECK(data.size() == 2);
  CHECK(data.sample_shape() == Shape{2, 1, 3});
  CHECK(data.classes() == 5);
  CHECK(data.label(0) == 4);
  CHECK(data.values(1)[0] == 10);
  CHECK(data.values(1).size() == 6);

  const std::vector<Index> which{1, 0, 1};
  std::vector<Label> labels;
  data.gather_labels(which, labels);
  CHECK(labels == std::vector<Label>{0, 4, 0});
  Tensor<double> batch;
  data.gather(which, batch);
  REQUIRE(batch.shape() == Shape{3, 2, 1, 3});
  for (Index n = 0; n < 3; ++n)
    for (Index p = 0; p < 6; ++p)
      CHECK(batch[6 * n + p] ==
            from_byte<double>(data.values(which[static_cast<std::size_t>(n)])[static_cast<std::size_t>(p)]));
}

TEST_CASE("dataset: a large batch is the same on any number of threads") {
  std::vector<std::uint8_t> bytes(300 * 1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 3);
  const Dataset data({20, 50, 1}, bytes);
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
  CHECK_THROWS_WITH(Dataset({}, bytes), "data set: expected samples of 1 to 4 positive extents, got scalar");
  CHECK_THROWS_WITH(Dataset({1, 1, 1, 1, 1}, bytes),
                    "data set: expected samples of 1 to 4 positive extents, got 1x1x1x1x1");
  CHECK_THROWS_WITH(Dataset({0, 2, 1}, bytes), "data set: expected samples of 1 to 4 positive extents, got 0x2x1");
  CHECK_THROWS_WITH(Dataset({5, 1, 1}, bytes), "data set: expected a multiple of 5x1x1 = 5 values, got 12");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {1, 2}), "data set: expected 3 labels, one for each sample, got 2");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {1, 10, 2}, 10), "data set: expected labels below 10, got 10 at place 1");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {}, -1), "data set: expected a number of classes, got -1");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {}, 65537), "data set: expected a number of classes, got 65537");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, std::vector<int>{1, -1, 2}),
                    "data set: expected labels below 65536, got -1 at place 1");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {}, 0, {.divisor = 0}),
                    "data set: expected a finite transform that divides by no 0, got / 0 + 0");
  // What no float holds would make every number of a batch infinite.
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {}, 0, {.divisor = 1e-60}),
                    "data set: expected a finite transform that divides by no 0, got / 1e-60 + 0");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes, {}, 0, {.shift = 1e60}),
                    "data set: expected a finite transform that divides by no 0, got / 1 + 1e+60");
  std::vector<Label> labels;
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes).gather_labels({}, labels), "data set: it has no labels");
  CHECK_THROWS_WITH(Dataset({2, 2, 1}, bytes).label(0), "data set: it has no labels");
  const Dataset data({2, 2, 1}, bytes, {0, 1, 2});
  Tensor<float> batch;
  for (const Index outside : {Index{-1}, Index{3}, Index{1} << 40}) {
    const std::string expected = "data set: expected a sample from 0 to 2, got " + std::to_string(outside);
    CHECK_THROWS_WITH(data.gather(std::vector<Index>{0, outside}, batch), expected);
    CHECK_THROWS_WITH(data.gather_labels(std::vector<Index>{outside}, labels), expected);
    CHECK_THROWS_WITH(data.label(outside), expected);
    CHECK_THROWS_WITH(data.values(outside), expected);
  }
  CHECK_THROWS_WITH(data.values<float>(0), "data set: its values are of another type");
}

TEST_CASE("dataset: every type of values becomes numbers as its transform says") {
  Tensor<float> batch;
  const std::vector<Index> second{1};
  Dataset({2, 1}, std::vector<std::int16_t>{0, 0, -32768, 16384}).gather(second, batch);
  CHECK(batch.shape() == Shape{1, 2, 1});
  CHECK(batch[0] == -1.0f);
  CHECK(batch[1] == 0.5f);
  Dataset({3}, std::vector<float>{0, 0, 0, 1.5f, -0.0f, 1e30f}).gather(second, batch);
  CHECK(batch.shape() == Shape{1, 3});
  CHECK(batch[0] == 1.5f);
  CHECK(std::signbit(batch[1]));
  CHECK(batch[2] == 1e30f);
  Dataset({1}, std::vector<std::uint8_t>{7, 10}, {}, 0, {.divisor = 2, .shift = 1}).gather(second, batch);
  CHECK(batch[0] == 6.0f);
  Dataset({1, 2, 1, 1}, std::vector<std::uint8_t>{1, 2, 0, 255}).gather(second, batch);
  CHECK(batch.shape() == Shape{1, 1, 2, 1, 1});
  CHECK(batch[1] == 1.0f);

  const Dataset letters = Dataset::of_classes({2}, 3, {0, 1, 2, 0}, {0, 1});
  CHECK(letters.sample_shape() == Shape{2, 3});
  letters.gather(std::vector<Index>{1, 0}, batch);
  CHECK(batch.shape() == Shape{2, 2, 3});
  const std::vector<float> expected{0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0};
  CHECK(std::equal(expected.begin(), expected.end(), batch.data()));
  CHECK(letters.values<Label>(1)[0] == 2);
  CHECK_THROWS_WITH(Dataset::of_classes({2}, 3, {0, 3}), "data set: expected values below 3, got 3 at place 1");
  CHECK_THROWS_WITH(Dataset::of_classes({2}, 0, {0, 3}), "data set: expected 1 to 65536 kinds of values, got 0");
  CHECK_THROWS_WITH(Dataset::of_classes({1, 1, 1, 1}, 2, {0}),
                    Catch::Matchers::ContainsSubstring("1 to 4 positive extents"));
}

TEST_CASE("dataset: labels of up to 65,536 classes") {
  const Dataset data({1}, std::vector<std::uint8_t>(2), std::vector<int>{65535, 300});
  CHECK(data.classes() == 65536);
  CHECK(data.label(0) == 65535);
  CHECK(Dataset({1}, std::vector<std::uint8_t>(2), std::vector<std::uint8_t>{3, 1}).classes() == 4);
  // Values that are classes come as any whole numbers too.
  const std::vector<std::uint8_t> letters{1, 2};
  const std::vector<long> languages{0, 6};
  const auto words = Dataset::of_classes({1}, 3, letters, languages);
  CHECK(words.values<Label>(1)[0] == 2);
  CHECK(words.classes() == 7);
  CHECK_THROWS_WITH(Dataset::of_classes({1}, 3, std::vector<int>{0, -1}),
                    "data set: expected labels below 65536, got -1 at place 1");
}

TEST_CASE("dataset: copies share what they hold") {
  const Dataset data({2}, std::vector<std::uint8_t>{1, 2, 3, 4}, {1, 0});
  Dataset copy;
  CHECK(copy.size() == 0);
  copy = data;
  CHECK(copy.values(1).data() == data.values(1).data());
  CHECK(copy.label(0) == 1);
}

TEST_CASE("dataset: what was moved from is a data set still") {
  Dataset data({2}, std::vector<std::uint8_t>(1 << 20, 9), std::vector<Label>(1 << 19, 1));
  { const Dataset moved = std::move(data); }
  Tensor<float> batch;
  data.gather(std::vector<Index>{data.size() - 1}, batch);
  CHECK(batch[1] == from_byte<float>(9));
  CHECK(data.label(0) == 1);
}

namespace {

template <class D>
concept gives_labels = requires(D&& data) {
  std::forward<D>(data).labels();
};
template <class D>
concept gives_values = requires(D&& data) {
  std::forward<D>(data).template values<float>(0);
};

}  // namespace

TEST_CASE("dataset: a selection holds copies, in the order that is asked for") {
  const std::vector<Index> which{3, 0, 3};
  const Dataset words = Dataset::of_classes({3}, 5, {0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1}, {7, 8, 9, 7});
  const Dataset some = words.selection(which);
  CHECK(some.size() == 3);
  CHECK(some.classes() == 10);
  CHECK(some.label(0) == 7);
  CHECK(some.label(1) == 7);
  Tensor<float> expected, got;
  words.gather(which, expected);
  some.gather(std::vector<Index>{0, 1, 2}, got);
  CHECK(got.shape() == expected.shape());
  CHECK(std::equal(got.data(), got.data() + got.size(), expected.data()));
  CHECK(some.fingerprint() != words.fingerprint());
  CHECK(some.fingerprint() == words.selection(which).fingerprint());

  Dataset bytes;
  {
    const Dataset whole({2, 1, 1}, {1, 2, 3, 4, 5, 6});
    bytes = whole.selection(std::vector<Index>{2, 1});
  }
  CHECK(bytes.values(0)[0] == 5);
  CHECK(bytes.values(1)[1] == 4);
  CHECK(!bytes.has_labels());
  CHECK(bytes.selection({}).size() == 0);
  CHECK_THROWS_WITH(bytes.selection(which), "data set: expected a sample from 0 to 1, got 3");
}

TEST_CASE("dataset: a temporary gives no views of what it holds") {
  STATIC_REQUIRE(gives_labels<const Dataset&>);
  STATIC_REQUIRE(gives_values<const Dataset&>);
  STATIC_REQUIRE_FALSE(gives_labels<Dataset>);
  STATIC_REQUIRE_FALSE(gives_values<Dataset>);
  // These are values.
  STATIC_REQUIRE_FALSE(std::is_reference_v<decltype(Dataset().sample_shape())>);
  STATIC_REQUIRE_FALSE(std::is_reference_v<decltype(Dataset().transform())>);
}

TEST_CASE("dataset: samples that stay in a file") {
  const rival_test::TemporaryFolder folder;
  std::string bytes = "head";
  for (int i = 0; i < 60; ++i) bytes += static_cast<char>(i);
  const auto path = folder.write("a", bytes);
  const auto data = Dataset::mapped<std::uint8_t>(path, 4, {3}, 20, std::vector<Label>(20, 1));
  CHECK(data.size() == 20);
  CHECK(data.classes() == 2);
  Tensor<float> batch;
  data.gather(std::vector<Index>{19, 0}, batch);
  CHECK(batch[0] == from_byte<float>(57));
  CHECK(batch[5] == from_byte<float>(2));
  const auto words = Dataset::mapped<std::int16_t>(path, 4, {2}, 15);
  words.gather(std::vector<Index>{1}, batch);
  CHECK(batch[0] == static_cast<float>(4 + 256 * 5) / 32768);

  CHECK_THROWS_WITH(Dataset::mapped<std::uint8_t>(path, 4, {3}, 21),
                    "data set: expected 21x3 values of 1 bytes from byte 4 on in " + rival_test::quoted(path) +
                        ", which has 64 bytes");
  CHECK_THROWS_WITH(Dataset::mapped<std::uint8_t>(path, 65, {3}, 0),
                    Catch::Matchers::ContainsSubstring("which has 64 bytes"));
  CHECK_THROWS_WITH(Dataset::mapped<float>(path, 3, {3}, 1),
                    Catch::Matchers::ContainsSubstring("offset of a multiple of 4, got 3"));
  CHECK_THROWS_WITH(Dataset::mapped<std::uint8_t>(path, 0, {3}, -1), "data set: expected a count of samples, got -1");
  CHECK_THROWS_WITH(Dataset::mapped<std::uint8_t>(path, 0, {3}, Index{1} << 62),
                    Catch::Matchers::ContainsSubstring("more elements than"));
  CHECK_THROWS_WITH(Dataset::mapped<std::uint8_t>(folder / "none", 0, {3}, 1),
                    Catch::Matchers::ContainsSubstring("no such file"));
  // Cut while it is in use: an error, and no end of the program.
  std::filesystem::resize_file(path, 10);
  CHECK_THROWS_WITH(data.gather(std::vector<Index>{19}, batch),
                    Catch::Matchers::ContainsSubstring("it was cut while it was in use"));
  CHECK_THROWS_WITH(data.values(19), Catch::Matchers::ContainsSubstring("it was cut while it was in use"));
  // A name that is gone is no harm.
  folder.write("b", bytes);
  const auto kept = Dataset::mapped<std::uint8_t>(folder / "b", 4, {3}, 20);
  std::filesystem::remove(folder / "b");
  kept.gather(std::vector<Index>{19}, batch);
  CHECK(batch[0] == from_byte<float>(57));
}

TEST_CASE("dataset: classes that stay in a file") {
  const rival_test::TemporaryFolder folder;
  const std::vector<Label> letters{0, 2, 1, 1, 3, 0};
  const auto path =
      folder.write("a", std::string(reinterpret_cast<const char*>(letters.data()), letters.size() * sizeof(Label)));
  const auto words = Dataset::mapped_classes(path, 2, {2}, 3, 2, std::vector<int>{1, 0});
  CHECK(words.size() == 2);
  CHECK(words.sample_shape() == Shape{2, 3});
  CHECK(words.classes() == 2);
  CHECK(words.values<Label>(1)[0] == 1);
  Tensor<float> batch;
  words.gather(std::vector<Index>{0}, batch);
  const std::vector<float> expected{0, 0, 1, 0, 1, 0};
  CHECK(std::equal(expected.begin(), expected.end(), batch.data()));
  // Only a batch shows what stands in the file.
  CHECK_THROWS_WITH(words.gather(std::vector<Index>{0, 1}, batch),
                    "data set: expected values below 3, got a greater one in its file");
  CHECK_THROWS_WITH(Dataset::mapped_classes(path, 2, {2}, 0, 2),
                    "data set: expected 1 to 65536 kinds of values, got 0");
  CHECK_THROWS_WITH(Dataset::mapped_classes(path, 1, {2}, 3, 2),
                    Catch::Matchers::ContainsSubstring("offset of a multiple of 2, got 1"));
}

TEST_CASE("dataset: a fingerprint tells data sets apart, whatever holds them") {
  std::vector<std::uint8_t> bytes(6000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i % 251);
  const std::vector<int> labels{0, 1, 2, 0, 1};
  const Dataset data({20, 60, 1}, bytes, labels);
  const std::uint64_t known = data.fingerprint();
  CHECK(data.fingerprint() == known);
  CHECK(Dataset(data).fingerprint() == known);
  CHECK(Dataset({20, 60, 1}, bytes, labels).fingerprint() == known);
  const rival_test::TemporaryFolder folder;
  const auto path = folder.write("a", "head" + std::string(bytes.begin(), bytes.end()));
  CHECK(Dataset::mapped<std::uint8_t>(path, 4, {20, 60, 1}, 5, labels).fingerprint() == known);

  for (const int place : {0, 1, 31, 32, 3000, 5999}) {
    auto other = bytes;
    other[static_cast<std::size_t>(place)] ^= 1;
    CHECK(Dataset({20, 60, 1}, other, labels).fingerprint() != known);
  }
  CHECK(Dataset({20, 60, 1}, bytes, std::vector<int>{0, 1, 2, 0, 2}).fingerprint() != known);
  CHECK(Dataset({20, 60, 1}, bytes, labels, 4).fingerprint() != known);
  CHECK(Dataset({20, 60, 1}, bytes).fingerprint() != known);
  CHECK(Dataset({60, 20, 1}, bytes, labels).fingerprint() != known);
  CHECK(Dataset({20, 60, 1}, bytes, labels, 0, {255, 0}).fingerprint() != known);
  CHECK(Dataset({20, 60, 1}, std::vector<float>(bytes.begin(), bytes.end()), labels, 0, {127.5, -1}).fingerprint() !=
        known);
  CHECK(Dataset().fingerprint() != known);
  CHECK(Dataset::of_classes({2}, 3, std::vector<int>{0, 1}).fingerprint() !=
        Dataset::of_classes({2}, 4, std::vector<int>{0, 1}).fingerprint());
}

TEST_CASE("dataset: of a large file the fingerprint reads pages from its first to its last") {
  const rival_test::TemporaryFolder folder;
  const auto path = folder.write("a", "");
  constexpr Index size = Index{65} << 20;
  std::filesystem::resize_file(path, size);  // of zeros, which take no room
  const auto fingerprint = [&] { return Dataset::mapped<std::uint8_t>(path, 0, {size}, 1).fingerprint(); };
  const auto known = fingerprint();
  for (const Index at : {Index{0}, size - 1}) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at);
    file.put(1);
    file.close();
    CHECK(fingerprint() != known);
    std::filesystem::resize_file(path, 0);
    std::filesystem::resize_file(path, size);
  }
  CHECK(fingerprint() == known);
}
