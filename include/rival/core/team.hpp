#pragma once
// Team: a thread and its helpers, which run the tasks of its loops and sleep between them.

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "rival/core/shape.hpp"

#ifdef _OPENMP
#include <omp.h>
#ifdef __linux__
#include <sched.h>
#endif
#endif

namespace rival::internal {

/// What a waiting thread does between two looks.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// The processors that OpenMP's places name. With OMP_PROC_BIND the first thread is tied to one of the places, and the
/// threads that it starts would be so too.
class Places {
 public:
  void take() const {
#if defined(_OPENMP) && defined(__linux__)
    if (bound_) sched_setaffinity(0, sizeof processors_, &processors_);
#endif
  }

#if defined(_OPENMP) && defined(__linux__)
  Places() {
    CPU_ZERO(&processors_);
    if (!bound_) return;
    for (int place = 0; place < omp_get_num_places(); ++place) {
      std::vector<int> processors(static_cast<std::size_t>(omp_get_place_num_procs(place)));
      omp_get_place_proc_ids(place, processors.data());
      for (const int processor : processors)
        if (processor < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(processor), &processors_);
    }
  }

 private:
  bool bound_ = omp_get_proc_bind() != omp_proc_bind_false && omp_get_num_places() > 0;
  cpu_set_t processors_;
#endif
};

/// The leader hands out loops with `run`; tasks are taken one by one by whoever is free, the leader too, and it waits
/// for nobody but those who have taken one. So a helper that the system gives no time holds nobody up, as it does at
/// the barriers of OpenMP's own loops. Who waits looks for a while, about as long as waking costs, and then sleeps:
/// never longer, since on a busy machine the time is another's.
class Team {
 public:
  using Call = void (*)(const void* task, Index i, Index worker);

  /// `size` counts the leader, who is worker 0. `enter` is called with the team by each helper at its start. If the
  /// system grants fewer threads, fewer work.
  template <class Enter>
  Team(int size, const Enter& enter) : size_(size), process_(getpid()) {
    helpers_.reserve(static_cast<std::size_t>(size - 1));
    const Places places;
    try {
      for (int worker = 1; worker < size; ++worker)
        helpers_.emplace_back([this, worker, enter, places] {
          places.take();
          enter(this);
          serve(worker);
        });
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  ~Team() {
    if (!is_here()) {
      // The threads are the parent's, and a std::thread that stands for one can neither be joined nor detached.
      new std::vector<std::thread>(std::move(helpers_));
      return;
    }
    closed_.store(true);
    ring();
    for (auto& helper : helpers_) helper.join();
  }

  int size() const { return size_; }
  /// False in a process that was forked from the team's own: there the helpers do not exist.
  bool is_here() const { return process_ == getpid(); }

  /// Wakes the helpers: the leader says that a loop is near.
  void ring() {
    bell_.fetch_add(1);
    bell_.notify_all();
  }

  /// The leader's: call(task, i, worker) for i in [0, tasks). Returns when all have ended, and throws what one of them
  /// has thrown; the others are called all the same.
  void run(Index tasks, Call call, const void* task) {
    call_ = call;
    task_ = task;
    throwing_.clear(std::memory_order_relaxed);
    left_.store(static_cast<int>(tasks), std::memory_order_relaxed);
    ticket_.store(static_cast<std::uint64_t>(tasks) << 32);
    ring();
    take(0);
    for (int left = left_.load(); left != 0; left = left_.load()) wait(left_, left);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  static constexpr Index most_tasks = std::numeric_limits<int>::max();

 private:
  void serve(Index worker) {
    while (!closed_.load()) {
      const int heard = bell_.load();
      take(worker);
      if (!closed_.load()) wait(bell_, heard);
    }
  }

  /// Runs tasks until none is left to take. The ticket holds their number (high half) and the next one's (low half).
  /// Who has taken a task keeps the loop from ending, and so its description from changing, until it is done.
  void take(Index worker) {
    std::uint64_t ticket = ticket_.load();
    while ((ticket & 0xffffffff) < ticket >> 32) {
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
      try {
        call_(task_, static_cast<Index>(ticket & 0xffffffff), worker);
      } catch (...) {
        if (!throwing_.test_and_set()) thrown_ = std::current_exception();
      }
      if (left_.fetch_sub(1) == 1) left_.notify_one();
      ticket = ticket_.load();
    }
  }

  static void wait(const std::atomic<int>& value, int old) {
    for (int look = 0; look < 2000; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
    value.wait(old);
  }

  Call call_ = nullptr;
  const void* task_ = nullptr;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<int> left_{0};
  alignas(64) std::atomic<int> bell_{0};
  std::atomic<bool> closed_{false};
  std::atomic_flag throwing_;  // by the first task that throws, whose exception is kept
  std::exception_ptr thrown_;
  int size_;
  pid_t process_;
  std::vector<std::thread> helpers_;
};

}  // namespace rival::internal
