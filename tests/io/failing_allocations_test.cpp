// Every allocation of a save and of a load made to fail, one at a time: an exception, nothing lost, and files, tensors
// and networks as they were or as they were to be.
#include <zlib.h>

#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include "catch.hpp"

#include "allocations.hpp"
#include "npy_values.hpp"
#include "rival/data/idx.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/npz.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

/// A library that loses memory when one of its own allocations fails: libzip 1.7 does, some bytes a time.
enum class Losses { none, of_libzip };

/// Calls act() with its first, second, ... allocation failing until none fails any more, and gives how often it threw.
/// Behind each call it calls look(). What is not given back afterwards is an error of the test.
int fail_each(const std::function<void()>& act, const std::function<void()>& look, Losses losses = Losses::none) {
  act();  // what a library keeps for itself is there after this
  int thrown = 0;
  bool none_lost = true;
  for (long number = 1;; ++number) {
    const long start = live_allocations;
    bool failed = false, happened = false;
    {
      const FailingAllocation failing(number);
      try {
        act();
      } catch (const std::bad_alloc&) {
        failed = true;
      } catch (const Error&) {
        failed = true;
      }
      happened = failing.happened();
    }
    none_lost = none_lost && live_allocations == start;
    look();
    thrown += failed;
    if (!happened) break;
    REQUIRE(number < 100'000);
  }
  if (losses == Losses::none) CHECK(none_lost);
  return thrown;
}

/// A save that fails leaves the earlier file, or where only the folder could not be brought to the disk the new one,
/// and nothing beside it.
void check_save(const std::function<void(const std::filesystem::path&)>& save_to, Losses losses = Losses::none) {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  save_to(path);
  const std::string saved = read_bytes(path);
  bool whole = true, alone = true;
  const auto look = [&] {
    const std::string bytes = read_bytes(path);
    whole = whole && (bytes == "earlier" || bytes == saved);
    alone = alone && folder.count() == 1;
    folder.write("a", "earlier");
  };
  CHECK(fail_each([&] { save_to(path); }, look, losses) > 10);
  CHECK(whole);
  CHECK(alone);
}

/// A load that fails can be made again.
void check_load(const std::function<bool()>& loads, Losses losses = Losses::none) {
  bool right = true;
  const auto load = [&] { right = loads() && right; };
  CHECK(fail_each(load, load, losses) > 3);
  CHECK(right);
}

}  // namespace

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
