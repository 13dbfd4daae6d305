#pragma once
// Scratch memory for kernels: one set of buffers a thread, which only grow, so that warm calls allocate nothing.

#include <array>
#include <cstddef>

#include "rival/core/tensor.hpp"

namespace rival {

/// What a buffer of the calling thread is used for; a kernel that calls another one must not share a use with it.
enum class Scratch { packed_weights, padded_copy, partial_sums, task };

/// `size` scalars of the calling thread's buffer for `use`, with undefined contents; good until the next call for that use.
template <class S>
S* scratch(Scratch use, Index size) {
  thread_local std::array<Tensor<S>, 4> buffers;
  auto& buffer = buffers[static_cast<std::size_t>(use)];
  buffer.resize({size});
  return buffer.data();
}

}  // namespace rival
