#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

#include "rival/core/parallel.hpp"
#include "temporary_folder.hpp"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RIVAL_TEST_CLANG_TSAN 1
#endif
#endif
#ifndef RIVAL_TEST_CLANG_TSAN
#define RIVAL_TEST_CLANG_TSAN 0
#endif

using Catch::Matchers::ContainsSubstring;
using rival::Index;

namespace {

/// Grants more threads than there may be cores, and puts the number of threads back.
struct KeepThreads {
  explicit KeepThreads(int most = 64) { rival::internal::most_threads() = most; }
  ~KeepThreads() {
    rival::internal::most_threads() = most_before;
    rival::set_threads(before);
  }
  int before = rival::threads(), most_before = rival::internal::most_threads();
};

/// What is written to stderr while body runs.
template <class Body>
std::string stderr_of(const Body& body) {
  const rival_test::TemporaryFolder folder;
  const std::string file = folder.path() / "stderr";
  std::fflush(stderr);
  const int before = dup(2);
  REQUIRE(std::freopen(file.c_str(), "w", stderr) != nullptr);
  body();
  std::fflush(stderr);
  dup2(before, 2);
  close(before);
  std::ifstream text(file);
  return {std::istreambuf_iterator<char>(text), {}};
}

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

TEST_CASE("parallel_for: what a task throws comes out, on whichever thread, and the next loop works") {
  const KeepThreads keep;
  for (const int count : {1, 3}) {
    rival::set_threads(count);
    for (rival::Index bad = 0; bad < 20; ++bad) {
      std::atomic<int> run{0};
      CHECK_THROWS_WITH(rival::parallel_for(20, plenty,
                                            [&](Index i) {
                                              ++run;
                                              if (i >= bad) throw rival::Error("from a task");
                                            }),
                        "from a task");
      CHECK(run > bad);
      run = 0;
      rival::parallel_for(20, plenty, [&](Index) { ++run; });
      CHECK(run == 20);
    }
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

TEST_CASE("set_threads: no more than there are cores, which is said once") {
#ifdef _OPENMP
  const KeepThreads keep(2);
  CHECK(stderr_of([] { rival::set_threads(2); }).empty());
  const std::string word = stderr_of([] {
    rival::set_threads(100'000);
    CHECK(rival::threads() == 2);
    omp_set_num_threads(100'000);  // past the library
    CHECK(rival::threads() == 2);
  });
  CHECK_THAT(word, ContainsSubstring("rival: 100000 threads were asked for; taking 2"));
  CHECK(std::count(word.begin(), word.end(), '\n') == 1);
  CHECK(rival::threads() == 2);
  std::atomic<int> count{0};
  rival::parallel_for(1000, plenty, [&](Index, Index worker) { count += worker < 2; });
  CHECK(count == 1000);
#endif
}

TEST_CASE("usable_cores: the least quota of a process's control groups, on the way up to the root") {
  const rival_test::TemporaryFolder folder;
  const auto write = [&](const std::string& file, const std::string& text) {
    const auto path = folder.path() / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  };
  const auto cores = [&](const std::string& groups) {
    write("groups", groups);
    return rival::internal::cores_of_groups(folder.path() / "groups", folder.path() / "mount");
  };
  using rival::internal::no_limit;
  write("mount/a/b/cpu.max", "250000 100000\n");
  write("mount/a/cpu.max", "max 100000\n");
  write("mount/c/cpu.max", "100000 100000\n");
  write("mount/c/d/cpu.max", "300000 100000\n");
  CHECK(cores("0::/a/b\n") == 3);  // two and a half, rounded up
  CHECK(cores("0::/a/b/e\n") == 3);
  CHECK(cores("0::/a\n") == no_limit);
  CHECK(cores("0::/\n") == no_limit);
  CHECK(cores("0::/c/d\n") == 1);
  write("mount/cpu.max", "10000 100000\n");  // a container's own group
  CHECK(cores("0::/\n") == 1);
  CHECK(cores("0::/of/the/host\n") == 1);
  write("mount/cpu/f/cpu.cfs_quota_us", "-1\n");
  write("mount/cpu/f/cpu.cfs_period_us", "100000\n");
  CHECK(cores("5:memory:/a/b\n3:cpu,cpuacct:/f\n2:cpuset:/c\n") == no_limit);
  write("mount/cpu/f/cpu.cfs_quota_us", "400000\n");
  CHECK(cores("5:memory:/a/b\n3:cpu,cpuacct:/f\n2:cpuset:/c\n") == 4);
  CHECK(cores("1:cpu:/f/g\n") == 4);
  CHECK(cores("nonsense\n:\n::\n") == 1);  // the last is the root's, without its path
  CHECK(rival::internal::cores_of_groups(folder.path() / "missing", folder.path() / "mount") == no_limit);
  CHECK(rival::internal::usable_cores() >= 1);
}

TEST_CASE("parallel_for: several threads lead teams of their own at once, and end with them") {
  const KeepThreads keep;
  std::vector<std::thread> leaders;
  std::atomic<int> right{0};
  for (int leader = 0; leader < 3; ++leader)
    leaders.emplace_back([&, leader] {
      rival::set_threads(leader + 1);
      for (int round = 0; round < 50; ++round) {
        std::vector<std::atomic<int>> counts(100);
        rival::parallel_for(100, plenty, [&](Index i) { ++counts[static_cast<std::size_t>(i)]; });
        right += all_once(counts);
      }
    });
  for (auto& leader : leaders) leader.join();
  CHECK(right == 150);
}

// The thread sanitizer ends a forked process that starts a thread.
#if !defined(__SANITIZE_THREAD__) && !RIVAL_TEST_CLANG_TSAN
TEST_CASE("parallel_for: works in a process that was forked, and lets it end") {
  const KeepThreads keep;
  rival::set_threads(3);
  const auto sum_is_right = [] {
    std::atomic<Index> sum{0};
    rival::parallel_for(100, plenty, [&](Index i) { sum += i; });
    return sum == 4950;
  };
  CHECK(sum_is_right());
  // Children that run a loop, and that only leave their thread, with which its team ends.
  for (const bool loop : {true, false}) {
    std::thread([&] {
      rival::set_threads(3);
      CHECK(sum_is_right());
      const pid_t child = fork();
      if (child == 0) {
        alarm(10);
        if (loop && !sum_is_right()) _exit(1);
        rival::internal::team_of_this_thread(2);  // another size: the parent's team is given up
        _exit(0);
      }
      int status = -1;
      CHECK(waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }).join();
  }
  CHECK(sum_is_right());
}

#endif

#ifdef _OPENMP
TEST_CASE("parallel_for: in a parallel region of the user's own, each thread runs its own loop") {
  const KeepThreads keep;
  rival::set_threads(3);
  std::atomic<int> count{0}, right{0};
#pragma omp parallel num_threads(3)
  {
    ++count;
    std::vector<int> seen(50);  // no atomics: one thread
    rival::parallel_for(50, plenty, [&](Index i) { ++seen[static_cast<std::size_t>(i)]; });
    right += std::count(seen.begin(), seen.end(), 1) == 50;
  }
  CHECK(right == count);
}
#endif
