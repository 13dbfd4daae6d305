#pragma once
// Loops over tasks, on all threads. What a task is depends on shapes alone and never on the number of threads, and
// every number is written by one task: so a result has the same bits on one thread and on twenty.

#include <algorithm>
#include <exception>
#include <type_traits>

#include "rival/core/shape.hpp"
#include "rival/core/team.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace rival {

namespace internal {

/// The team that this thread leads at the moment, and how many it counts.
struct Leadership {
  Team* team = nullptr;
  int size = 1;
};
inline thread_local Leadership leadership;

}  // namespace internal

/// The number of threads that loops started by this thread may use.
inline int threads() {
  if (internal::leadership.team != nullptr) return internal::leadership.size;
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// Sets it, for loops started by this thread. Throws Error below 1; without OpenMP there is one thread whatever is
/// asked.
inline void set_threads(int count) {
  require(count >= 1, "set_threads: expected at least 1, got ", count);
#ifdef _OPENMP
  omp_set_num_threads(count);
#endif
}

/// Work (in scalar operations, roughly) below which waking a second thread costs more than it saves.
inline constexpr double parallel_work = 100'000;

/// Runs body(), and keeps the threads awake between the loops in it, since waking them costs as much as a short loop.
/// `work` as for parallel_for, which does this by itself for a loop that stands alone. What body throws is thrown on.
template <class Body>
void parallel_scope([[maybe_unused]] double work, const Body& body) {
#ifdef _OPENMP
  if (internal::leadership.team == nullptr && work >= parallel_work && threads() > 1 && !omp_in_parallel()) {
    internal::Team team;
    std::exception_ptr thrown;
    // Always the whole team: libgomp ends the threads that a smaller one leaves over, and with them their memory.
#pragma omp parallel num_threads(threads())
    if (omp_get_thread_num() == 0) {
      internal::leadership = {&team, omp_get_num_threads()};
      try {
        body();
      } catch (...) {
        thrown = std::current_exception();
      }
      internal::leadership = {};
      team.dismiss();
    } else {
      team.serve(omp_get_thread_num());
    }
    if (thrown) std::rethrow_exception(thrown);
    return;
  }
#endif
  body();
}

/// Runs task(0) ... task(tasks - 1), in any order and on any thread. `work` estimates the scalar operations of them
/// all; loops below `parallel_work` stay on the calling thread. A task must not throw.
///
/// A task may take a second argument, the number of the worker that runs it: below threads(), and no two tasks run at
/// the same time under the same number. It is for picking scratch memory that the caller has made ready.
template <class Task>
void parallel_for(Index tasks, double work, const Task& task) {
  const auto run = [](const void* context, Index i, [[maybe_unused]] Index worker) {
    const Task& body = *static_cast<const Task*>(context);
    if constexpr (std::is_invocable_v<const Task&, Index, Index>)
      body(i, worker);
    else
      body(i);
  };
  if (tasks <= 1 || tasks > internal::Team::most_tasks || work < parallel_work) {
    for (Index i = 0; i < tasks; ++i) run(&task, i, 0);
    return;
  }
  parallel_scope(work, [&] {
    const internal::Leadership leader = internal::leadership;
    if (leader.team == nullptr) {
      for (Index i = 0; i < tasks; ++i) run(&task, i, 0);
      return;
    }
    internal::leadership = {};  // a loop within a task is the task's own
    leader.team->run(tasks, run, &task);
    internal::leadership = leader;
  });
}

/// Cuts `count` items into `parts` that differ by one at most: where part `i` begins.
constexpr Index part_begin(Index count, Index parts, Index i) { return count / parts * i + std::min(i, count % parts); }

/// A loop over [0, count) in blocks of `block` items (the last may be shorter): body(begin, end) for each.
template <class Body>
void parallel_blocks(Index count, Index block, double work, const Body& body) {
  parallel_for((count + block - 1) / block, work, [&](Index i) { body(i * block, std::min(count, (i + 1) * block)); });
}

}  // namespace rival
