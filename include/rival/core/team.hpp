#pragma once
// Team: threads that stay awake between the loops of one leader.

#include <atomic>
#include <cstdint>
#include <limits>

#include "rival/core/shape.hpp"

namespace rival::internal {

/// What a waiting thread does between two looks.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// The leader hands out loops with `run`, the others `serve` until it dismisses them. Tasks are taken one by one by
/// whoever is free, the leader too: a thread that the system gives no time holds nobody up, as it does at the barriers
/// of OpenMP's own loops. Who waits looks for a while, about as long as waking costs, and then sleeps.
class Team {
 public:
  using Call = void (*)(const void* task, Index i, Index worker);

  /// The leader's: call(task, i, worker) for i in [0, tasks). Returns when all have ended.
  void run(Index tasks, Call call, const void* task) {
    call_ = call;
    task_ = task;
    left_.store(static_cast<int>(tasks), std::memory_order_relaxed);
    ticket_.store(static_cast<std::uint64_t>(tasks) << 32);
    ring();
    take(0);
    for (int left = left_.load(); left != 0; left = left_.load()) wait(left_, left);
  }

  /// The others', numbered from 1.
  void serve(Index worker) {
    while (!dismissed_.load()) {
      const int heard = bell_.load();
      take(worker);
      if (!dismissed_.load()) wait(bell_, heard);
    }
  }

  void dismiss() {
    dismissed_.store(true);
    ring();
  }

  static constexpr Index most_tasks = std::numeric_limits<int>::max();

 private:
  void ring() {
    bell_.fetch_add(1);
    bell_.notify_all();
  }

  /// Runs tasks until none is left to take. The ticket holds their number (high half) and the next one's (low half).
  /// Who has taken a task keeps the loop from ending, and so its description from changing, until it is done.
  void take(Index worker) {
    std::uint64_t ticket = ticket_.load();
    while ((ticket & 0xffffffff) < ticket >> 32) {
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
      call_(task_, static_cast<Index>(ticket & 0xffffffff), worker);
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
  std::atomic<bool> dismissed_{false};
};

}  // namespace rival::internal
