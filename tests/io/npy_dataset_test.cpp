#include "rival/io/npy_dataset.hpp"

#include <limits>

#include "catch.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::TemporaryFolder;

template <class T>
std::filesystem::path file(const TemporaryFolder& folder, const Shape& shape, std::vector<T> values,
                           const char* name = "a.npy") {
  Tensor<T> array(shape);
  REQUIRE(array.size() == static_cast<Index>(values.size()));
  std::copy(values.begin(), values.end(), array.data());
  write_npy(folder / name, array);
  return folder / name;
}

std::vector<float> all(const Dataset& data) {
  std::vector<Index> which;
  for (Index i = 0; i < data.size(); ++i) which.push_back(i);
  Tensor<float> batch;
  data.gather(which, batch);
  return {batch.data(), batch.data() + batch.size()};
}

TEST_CASE("npy data set: bytes, and floats of pictures by their range") {
  const TemporaryFolder folder;
  CHECK(all(read_npy_dataset(file<std::uint8_t>(folder, {2, 1, 1}, {0, 255}))) == std::vector<float>{-1, 1});
  CHECK(all(read_npy_dataset(file<float>(folder, {2, 1, 1}, {0, 1}))) == std::vector<float>{-1, 1});
  CHECK(all(read_npy_dataset(file<float>(folder, {2, 1, 1}, {-0.5f, 1}))) == std::vector<float>{-0.5f, 1});
  CHECK(all(read_npy_dataset(file<float>(folder, {2, 1, 1}, {-1.1f, 1.2f}))) == std::vector<float>{-1.1f, 1.2f});
  CHECK(all(read_npy_dataset(file<double>(folder, {2, 1, 1}, {0, 255}))) == std::vector<float>{-1, 1});
  CHECK_THROWS_WITH(read_npy_dataset(file<float>(folder, {2, 1, 1}, {0, 256})), ContainsSubstring("got 0 to 256"));
  CHECK_THROWS_WITH(read_npy_dataset(file<float>(folder, {2, 1, 1}, {-1, 3})), ContainsSubstring("got -1 to 3"));
  // What are no pictures stay as they are.
  CHECK(all(read_npy_dataset(file<float>(folder, {2, 1}, {-7, 300}))) == std::vector<float>{-7, 300});
}

TEST_CASE("npy data set: shapes and labels") {
  const TemporaryFolder folder;
  const auto labels = file<std::int64_t>(folder, {2}, {3, 0}, "labels.npy");
  const Dataset grey = read_npy_dataset(file<std::uint8_t>(folder, {2, 2, 3}, std::vector<std::uint8_t>(12)), labels);
  CHECK(grey.sample_shape() == Shape{2, 3, 1});
  CHECK(grey.size() == 2);
  CHECK(grey.classes() == 4);
  CHECK(grey.label(0) == 3);
  CHECK(read_npy_dataset(file<float>(folder, {1, 2, 3, 3}, std::vector<float>(18))).sample_shape() == Shape{2, 3, 3});
  CHECK(read_npy_dataset(file<float>(folder, {1, 2, 3, 5}, std::vector<float>(30))).sample_shape() == Shape{2, 3, 5});
  CHECK(read_npy_dataset(file<float>(folder, {4, 2}, std::vector<float>(8))).sample_shape() == Shape{2});
}

TEST_CASE("npy data set: what it refuses") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_npy_dataset(file<float>(folder, {3}, {1, 2, 3})), ContainsSubstring("of 1 to 4 axes, got 3"));
  CHECK_THROWS_WITH(read_npy_dataset(file<float>(folder, {0, 3}, {})), ContainsSubstring("got 0x3"));
  CHECK_THROWS_WITH(read_npy_dataset(file<std::int64_t>(folder, {1, 2}, {1, 2})), ContainsSubstring("64-bit integers"));
  CHECK_THROWS_WITH(read_npy_dataset(file<float>(folder, {2, 2}, {1, 2, std::numeric_limits<float>::quiet_NaN(), 4})),
                    ContainsSubstring("expected finite values, got nan in sample 1"));
  CHECK_THROWS_WITH(read_npy_dataset(file<double>(folder, {1, 2}, {1, 1e300})), ContainsSubstring("finite"));
  const auto samples = file<float>(folder, {2, 2}, {1, 2, 3, 4});
  CHECK_THROWS_WITH(read_npy_dataset(samples, file<float>(folder, {2}, {0, 1}, "l.npy")),
                    ContainsSubstring("whole numbers"));
  CHECK_THROWS_WITH(read_npy_dataset(samples, file<std::int64_t>(folder, {2, 1}, {0, 1}, "l.npy")),
                    ContainsSubstring("labels in a row"));
  CHECK_THROWS_WITH(read_npy_dataset(samples, file<std::int64_t>(folder, {3}, {0, 1, 2}, "l.npy")),
                    ContainsSubstring("expected 2 labels"));
  CHECK_THROWS_WITH(read_npy_dataset(samples, file<std::int64_t>(folder, {2}, {0, -1}, "l.npy")),
                    ContainsSubstring("got -1"));
}

}  // namespace
