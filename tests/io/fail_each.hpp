#pragma once
// Every allocation of a save and of a load made to fail, one at a time: an exception, nothing lost, and files as they
// were or as they were to be.

#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include "catch.hpp"

#include "allocations.hpp"
#include "rival/core/error.hpp"
#include "temporary_folder.hpp"

namespace rival_test {

/// A library that loses memory when one of its own allocations fails: libzip 1.7 does, some bytes a time.
enum class Losses { none, of_libzip };

/// Calls act() with its first, second, ... allocation failing until none fails any more, and gives how often it threw.
/// Behind each call it calls look(). What is not given back afterwards is an error of the test.
inline int fail_each(const std::function<void()>& act, const std::function<void()>& look,
                     Losses losses = Losses::none) {
  act();  // what a library keeps for itself is there after this
  look();
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
      } catch (const rival::Error&) {
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
/// and nothing beside it. It can be made again, with the same bytes.
inline void check_save(const std::function<void(const std::filesystem::path&)>& save_to, Losses losses = Losses::none) {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  save_to(path);
  const std::string saved = read_bytes(path);
  bool whole = true, alone = true;
  const auto look = [&] {
    const std::string bytes = read_bytes(path);
    whole = whole && (bytes == "earlier" || bytes == saved);
    alone = alone && folder.count() == 1;
    if (bytes != "earlier") folder.write("a", "earlier");
  };
  CHECK(fail_each([&] { save_to(path); }, look, losses) > 10);
  CHECK(whole);
  CHECK(alone);
  save_to(path);
  CHECK((read_bytes(path) == saved));
}

/// A load that fails can be made again.
inline void check_load(const std::function<bool()>& loads, Losses losses = Losses::none) {
  bool right = true;
  const auto load = [&] { right = loads() && right; };
  CHECK(fail_each(load, load, losses) > 3);
  CHECK(right);
}

}  // namespace rival_test
