#include <cmath>
#include "catch.hpp"

#include "rival/report/frames.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("frames: at most so many are kept, evenly, and the newest") {
  for (const Index most : {2, 3, 5, 60}) {
    Frames frames(most);
    for (int i = 0; i < 1000; ++i) {
      frames.add({static_cast<double>(i), {}});
      const auto& all = frames.all();
      INFO("most " << most << ", " << i << " offered");
      REQUIRE(static_cast<Index>(all.size()) <= most);
      CHECK(all.front().step == 0);
      CHECK(all.back().step == i);
      // One distance between all but the newest, the least power of two that leaves few enough.
      const double stride = static_cast<double>(frames.state().stride);
      for (std::size_t k = 0; k + 1 < all.size(); ++k) REQUIRE(all[k].step == stride * static_cast<double>(k));
      CHECK(all.back().step - all[all.size() - 1 - (all.size() > 1)].step <= stride);
      if (i < most) CHECK(static_cast<int>(all.size()) == i + 1);
    }
    if (most > 3) CHECK(static_cast<Index>(frames.all().size()) > most / 2 - 1);
  }
  CHECK_THROWS_WITH(Frames(1), "frames: expected to keep at least 2, got 1");
}

TEST_CASE("frames: large pictures are fewer") {
  Frames frames(60, 1000);
  for (int i = 0; i < 100; ++i) frames.add({static_cast<double>(i), std::vector<std::uint8_t>(100)});
  CHECK(frames.all().size() <= 10);
  CHECK(frames.all().size() >= 5);
  CHECK(frames.all().back().step == 99);
  Frames huge(60, 10);
  for (int i = 0; i < 10; ++i) huge.add({static_cast<double>(i), std::vector<std::uint8_t>(100)});
  CHECK(huge.all().size() <= 3);
  CHECK(huge.all().back().step == 9);
}

TEST_CASE("frames: another process goes on as if there had been one") {
  Frames one(7), first(7);
  for (int i = 0; i < 100; ++i) {
    one.add({static_cast<double>(i), {}});
    if (i == 41) first = one;
  }
  Frames second(7);
  second.set_state(first.state());
  for (int i = 42; i < 100; ++i) second.add({static_cast<double>(i), {}});
  REQUIRE(second.all().size() == one.all().size());
  for (std::size_t k = 0; k < one.all().size(); ++k) CHECK(second.all()[k].step == one.all()[k].step);
}

TEST_CASE("frames: a state that no frames have is refused") {
  Frames frames;
  CHECK_THROWS_WITH(frames.set_state({{}, 3, 0, false}), ContainsSubstring("a stride of 0"));
  CHECK_THROWS_WITH(frames.set_state({{}, 3, 1, true}), ContainsSubstring("got 0 of 3 offered"));
  CHECK_THROWS_WITH(frames.set_state({{{0, {}}}, 0, 1, false}), ContainsSubstring("got 1 of 0 offered"));
  frames.add({});
  CHECK(frames.all().size() == 1);
}
