#pragma once
// Loops over tasks, on all threads. What a task is depends on shapes alone and never on the number of threads, and
// every number is written by one task: so a result has the same bits on one thread and on twenty.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "rival/core/cores.hpp"
#include "rival/core/shape.hpp"
#include "rival/core/team.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace rival {

namespace internal {

/// What this thread is to the loops that it meets: the team that it leads or helps at the moment, and whether it runs
/// one of the team's tasks. A loop within a task is the task's own.
struct Standing {
  Team* team = nullptr;
  bool in_task = false;
};
inline thread_local Standing standing;

/// This thread's team, kept with its helpers and their scratch memory from loop to loop.
inline Team& team_of_this_thread(int size) {
  thread_local std::unique_ptr<Team> team;
  if (!team || team->size() != size || !team->is_here()) {
    team.reset();
    team = std::make_unique<Team>(size, [](Team* of) { standing = {of, true}; });
  }
  return *team;
}

/// The most threads that are granted: the cores that this process may use, asked for once. More would only be slower,
/// so nobody but tests, which show that the bits do not depend on the number of threads, has a reason to set it.
inline std::atomic<int>& most_threads() {
  static std::atomic<int> most = usable_cores();
  return most;
}

/// Says once, on stderr, that not all threads are granted.
inline void say_fewer_threads(int asked, int granted) {
  static std::atomic<bool> said = false;
  if (!said.exchange(true))
    std::fprintf(stderr, "rival: %d threads were asked for; taking %d, the number of cores that this process may use\n",
                 asked, granted);
}

}  // namespace internal

/// The number of threads that loops started by this thread may use: as many as there are cores that this process may
/// use (its affinity, the quota of its control group, OMP_THREAD_LIMIT), or fewer if set_threads, omp_set_num_threads
/// or OMP_NUM_THREADS said so.
inline int threads() {
  if (internal::standing.team != nullptr) return internal::standing.team->size();
#ifdef _OPENMP
  const int count = omp_get_max_threads(), most = internal::most_threads().load(std::memory_order_relaxed);
  if (count <= most) return count;
  // Without a wish, OpenMP's number is that of the processors, of which a control group may allow a part.
  if (std::getenv("OMP_NUM_THREADS") || count > omp_get_num_procs()) internal::say_fewer_threads(count, most);
  return most;
#else
  return 1;
#endif
}

/// Sets it, for loops started by this thread. More than there are cores are not granted, which is said on stderr, once.
/// Throws Error below 1; without OpenMP there is one thread whatever is asked.
inline void set_threads(int count) {
  require(count >= 1, "set_threads: expected at least 1, got ", count);
#ifdef _OPENMP
  const int most = internal::most_threads();
  if (count > most) internal::say_fewer_threads(count, most);
  omp_set_num_threads(std::min(count, most));
#endif
}

/// Work (in scalar operations, roughly) below which waking a second thread costs more than it saves.
inline constexpr double parallel_work = 100'000;

/// Runs body() with the threads of its loops settled, and awake when the first begins: where loops follow one another
/// closely they stay so. `work` as for parallel_for, which does this by itself for a loop that stands alone. What body
/// throws is thrown on.
template <class Body>
void parallel_scope([[maybe_unused]] double work, const Body& body) {
#ifdef _OPENMP
  if (internal::standing.team == nullptr && work >= parallel_work && threads() > 1 && !omp_in_parallel()) {
    struct Lead {
      Lead() { internal::standing.team = &internal::team_of_this_thread(threads()); }
      ~Lead() { internal::standing = {}; }
    } const lead;
    internal::standing.team->ring();
    body();
    return;
  }
#endif
  body();
}

/// Runs task(0) ... task(tasks - 1), in any order and on any thread. `work` estimates the scalar operations of them
/// all; loops below `parallel_work` stay on the calling thread. What a task throws is thrown on, when those that have
/// begun have ended.
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
    internal::Standing& standing = internal::standing;
    if (standing.team == nullptr || standing.in_task) {
      for (Index i = 0; i < tasks; ++i) run(&task, i, 0);
      return;
    }
    struct InTask {
      InTask() { internal::standing.in_task = true; }
      ~InTask() { internal::standing.in_task = false; }
    } const in_task;
    standing.team->run(tasks, run, &task);
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
