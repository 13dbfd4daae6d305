#pragma once
// Loops over tasks, on all threads. What a task is depends on shapes alone and never on the number of threads, and every
// number is written by one task: so a result has the same bits on one thread and on twenty.

#include <algorithm>

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
template <class Task>
void parallel_for(Index tasks, double work, const Task& task) {
#ifdef _OPENMP
  const Index team = std::min<Index>({threads(), tasks, static_cast<Index>(2 * work / parallel_work)});
  if (team > 1 && !omp_in_parallel()) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast<int>(team))
    for (Index i = 0; i < tasks; ++i) task(i);
    return;
  }
#endif
  (void)work;
  for (Index i = 0; i < tasks; ++i) task(i);
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
