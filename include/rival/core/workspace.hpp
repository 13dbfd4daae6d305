#pragma once
// Scratch memory for kernels: one set of buffers a thread, which only grow, so that warm calls allocate nothing.

#include <array>
#include <cstddef>

#include "rival/core/parallel.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// What a buffer of the calling thread is used for; a kernel that calls another one must not share a use with it.
enum class Scratch {
  packed_weights,  ///< weights, or a factor of a product, in the order in which a kernel reads them
  padded_copy,     ///< a source that was brought into another layout
  partial_sums,    ///< what several tasks make and is added up in a fixed order
  task,            ///< of TaskScratch
  group            ///< of grouped convolutions: one group's channels, next to each other
};

/// `size` scalars of the calling thread's buffer for `use`, with undefined contents; good until the next call for that
/// use.
template <class S>
S* scratch(Scratch use, Index size) {
  thread_local std::array<Tensor<S>, 5> buffers;
  auto& buffer = buffers[static_cast<std::size_t>(use)];
  buffer.resize({size});
  return buffer.data();
}

/// Scratch memory for the tasks of a parallel_for that this thread is about to call, made ready here because a task
/// must not allocate: which thread runs which task changes from call to call.
template <class S>
class TaskScratch {
 public:
  /// `size` scalars for each worker.
  explicit TaskScratch(Index size)
      : stride_((size + line - 1) / line * line), data_(scratch<S>(Scratch::task, threads() * stride_)) {}
  /// The memory of that worker, which parallel_for tells its task: `size` scalars with undefined contents.
  S* of(Index worker) const { return data_ + worker * stride_; }

 private:
  static constexpr Index line = 64 / static_cast<Index>(sizeof(S));  // workers share no cache line
  Index stride_;
  S* data_;
};

}  // namespace rival
