// Every allocation of an array's save and load made to fail, one at a time (fail_each.hpp).
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>
#include "catch.hpp"

#include "fail_each.hpp"
#include "npy_values.hpp"
#include "rival/data/idx.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/npz.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

TEST_CASE("failing allocations: each one of a save") {
  SECTION("npy") {
    const auto tensor = npy_values<float>({2, 3});
    check_save([&](const auto& path) { write_npy(path, tensor); });
  }
  SECTION("npz") {
    const auto a = npy_values<float>({2, 3});
    const auto b = npy_values<std::int64_t>({5});
    for (const NpzPacking packing : {NpzPacking::stored, NpzPacking::deflated})
      check_save([&](const auto& path) { write_npz(path, {{"a", &a}, {"b", &b}}, packing); }, Losses::of_libzip);
  }
  SECTION("IDX") {
    const std::vector<std::int16_t> values(6, std::int16_t{5});
    check_save([&](const auto& path) { write_idx(path, {2, 3}, values.data()); });
  }
}

TEST_CASE("failing allocations: each one of a load") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  SECTION("npy") {
    write_npy(path, npy_values<float>({2, 3}));
    const auto expected = npy_values<float>({2, 3});
    check_load([&] { return same(read_npy<float>(path), expected); });
  }
  SECTION("npz") {
    const auto a = npy_values<float>({2, 3});
    const auto b = npy_values<std::int64_t>({5});
    for (const NpzPacking packing : {NpzPacking::stored, NpzPacking::deflated}) {
      write_npz(path, {{"a", &a}, {"b", &b}}, packing);
      check_load([&] { return read_npz(path).size() == 2; }, Losses::of_libzip);
    }
  }
  SECTION("IDX, gzipped") {
    const std::vector<std::int16_t> values(6, std::int16_t{5});
    write_idx(folder / "plain", {2, 3}, values.data());
    const std::string bytes = read_bytes(folder / "plain");
    const gzFile file = gzopen(path.string().c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    check_load([&] { return read_idx(path).values<std::int16_t>() == values; });
  }
}
