#pragma once
// Loops over tasks, on all threads. What a task is depends on shapes alone and never on the number of threads, and every
// number is written by one task: so a result has the same bits on one thread and on twenty.

#include <algorithm>
#include <type_traits>

#include "rival/core/shape.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace rival {

/// The number of threads that loops started by this thread may use.
inline int threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// Sets it, for loops started by this thread. Throws Error below 1; without OpenMP there is one thread whatever is asked.
inline void set_threads(int count) {
  require(count >= 1, "set_threads: expected at least 1, got ", count);
#ifdef _OPENMP
  omp_set_num_threads(count);
#endif
}

/// Work (in scalar operations, roughly) below which waking a second thread costs more than it saves.
inline constexpr double parallel_work = 100'000;

/// Runs task(0) ... task(tasks - 1), in any order and on any thread. `work` estimates the scalar operations of them all;
/// loops below `parallel_work` stay on the calling thread. A task must not throw.
///
/// A task may take a second argument, the number of the worker that runs it: below threads(), and no two tasks run at the
/// same time under the same number. It is for picking scratch memory that the caller has made ready.
template <class Task>
void parallel_for(Index tasks, double work, const Task& task) {
  const auto run = [&task](Index i, [[maybe_unused]] Index worker) {
    if constexpr (std::is_invocable_v<const Task&, Index, Index>)
      task(i, worker);
    else
      task(i);
  };
#ifdef _OPENMP
  if (std::min<Index>(threads(), tasks) > 1 && work >= parallel_work && !omp_in_parallel()) {
    // Always the whole team: libgomp ends the threads that a smaller one leaves over, and with them their memory.
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads())
    for (Index i = 0; i < tasks; ++i) run(i, omp_get_thread_num());
    return;
  }
#endif
  (void)work;
  for (Index i = 0; i < tasks; ++i) run(i, 0);
}

/// Cuts `count` items into `parts` that differ by one at most: where part `i` begins.
constexpr Index part_begin(Index count, Index parts, Index i) { return count / parts * i + std::min(i, count % parts); }

/// A loop over [0, count) in blocks of `block` items (the last may be shorter): body(begin, end) for each.
template <class Body>
void parallel_blocks(Index count, Index block, double work, const Body& body) {
  parallel_for((count + block - 1) / block, work,
               [&](Index i) { body(i * block, std::min(count, (i + 1) * block)); });
}

}  // namespace rival
