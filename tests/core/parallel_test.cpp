#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>
#include <vector>
#include "catch.hpp"

#include "rival/core/parallel.hpp"

using Catch::Matchers::ContainsSubstring;
using rival::Index;

namespace {

/// Puts the number of threads back.
struct KeepThreads {
  int before = rival::threads();
  ~KeepThreads() { rival::set_threads(before); }
};

constexpr double plenty = 1e9;  // of work: asks for all threads

bool all_once(const std::vector<std::atomic<int>>& counts) {
  for (const auto& count : counts)
    if (count != 1) return false;
  return true;
}

}  // namespace

TEST_CASE("parallel_for: runs every task exactly once") {
  const KeepThreads keep;
  for (int threads = 1; threads <= 4; ++threads) {
    rival::set_threads(threads);
    for (const Index tasks : {0, 1, 2, 3, 4, 5, 1000})
      for (const double work : {0.0, plenty}) {
        std::vector<std::atomic<int>> counts(static_cast<std::size_t>(tasks));
        rival::parallel_for(tasks, work, [&](Index i) { ++counts[static_cast<std::size_t>(i)]; });
        INFO(threads << " threads, " << tasks << " tasks, work " << work);
        CHECK(all_once(counts));
      }
  }
}

TEST_CASE("parallel_for: a loop in a task runs every task of its own exactly once") {
  const KeepThreads keep;
  rival::set_threads(3);
  std::vector<std::atomic<int>> counts(10 * 20);
  rival::parallel_for(10, plenty, [&](Index i) {
    rival::parallel_for(20, plenty, [&](Index j) { ++counts[static_cast<std::size_t>(20 * i + j)]; });
  });
  CHECK(all_once(counts));
}

TEST_CASE("parallel_for: small work stays on the calling thread, in order") {
  const KeepThreads keep;
  rival::set_threads(4);
  std::vector<Index> order;
  rival::parallel_for(100, rival::parallel_work / 2, [&](Index i) { order.push_back(i); });
  REQUIRE(order.size() == 100);
  for (Index i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("parallel_scope: its loops run every task exactly once, one behind the other") {
  const KeepThreads keep;
  for (int threads = 1; threads <= 4; ++threads) {
    rival::set_threads(threads);
    bool right = true;
    std::vector<Index> seen(64);
    rival::parallel_scope(plenty, [&] {
      for (Index round = 1; round <= 2000; ++round) {
        // Loops of changing length, each on what the one before left behind.
        const Index tasks = round % 64 + 1;
        rival::parallel_for(tasks, plenty, [&](Index i) { ++seen[static_cast<std::size_t>(i)]; });
        for (Index i = 0; i < tasks; ++i) right = right && seen[static_cast<std::size_t>(i)] == 1;
        std::fill(seen.begin(), seen.end(), 0);
      }
    });
    INFO(threads << " threads");
    CHECK(right);
  }
}

TEST_CASE(
    "parallel_scope: workers have numbers of their own below threads(), in nested scopes and in loops of tasks too") {
  const KeepThreads keep;
  rival::set_threads(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> right{true};
  rival::parallel_scope(plenty, [&] {
    rival::parallel_scope(plenty, [&] {
      right = right && rival::threads() <= 4;
      rival::parallel_for(500, plenty, [&](Index, Index worker) {
        if (worker >= rival::threads() || ++busy[static_cast<std::size_t>(worker)] != 1) right = false;
        rival::parallel_for(5, plenty, [&](Index, Index inner) { right = right && inner == 0; });
        --busy[static_cast<std::size_t>(worker)];
      });
    });
  });
  CHECK(right);
}

TEST_CASE("parallel_scope: what its body throws comes out, and the next scope works") {
  const KeepThreads keep;
  rival::set_threads(3);
  for (int i = 0; i < 10; ++i) {
    CHECK_THROWS_WITH(rival::parallel_scope(plenty, [] { throw rival::Error("from within"); }), "from within");
    std::atomic<int> count{0};
    rival::parallel_scope(plenty, [&] { rival::parallel_for(7, plenty, [&](Index) { ++count; }); });
    CHECK(count == 7);
  }
}

TEST_CASE("parallel_blocks: cuts by the sizes alone, whatever the threads") {
  using Cuts = std::set<std::pair<Index, Index>>;
  const KeepThreads keep;
  const auto cuts = [](Index count, int threads) {
    rival::set_threads(threads);
    Cuts seen;
    std::mutex mutex;
    rival::parallel_blocks(count, 16, plenty, [&](Index begin, Index end) {
      const std::lock_guard lock(mutex);
      seen.emplace(begin, end);
    });
    return seen;
  };
  for (int threads = 1; threads <= 4; ++threads) {
    CHECK(cuts(0, threads).empty());
    CHECK(cuts(1, threads) == Cuts{{0, 1}});
    CHECK(cuts(15, threads) == Cuts{{0, 15}});
    CHECK(cuts(16, threads) == Cuts{{0, 16}});
    CHECK(cuts(17, threads) == Cuts{{0, 16}, {16, 17}});
    CHECK(cuts(50, threads) == Cuts{{0, 16}, {16, 32}, {32, 48}, {48, 50}});
  }
}

TEST_CASE("set_threads: sets their number, at least 1") {
  const KeepThreads keep;
  rival::set_threads(3);
#ifdef _OPENMP
  CHECK(rival::threads() == 3);
#else
  CHECK(rival::threads() == 1);
#endif
  CHECK_THROWS_WITH(rival::set_threads(0), ContainsSubstring("expected at least 1, got 0"));
  CHECK_THROWS_WITH(rival::set_threads(-2), ContainsSubstring("got -2"));
}
