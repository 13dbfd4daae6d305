#pragma once
// infer_in_parts(): any number of samples through a network, in bounded memory.

#include <algorithm>
#include <cstddef>

#include "rival/core/parallel.hpp"
#include "rival/nn/network.hpp"

namespace rival::internal {

/// Samples that go through the network side by side: so many that the largest layer's activations take about 4 MB.
/// Ten thousand samples need no more memory than that, and what stays in the caches is done sooner.
template <class S>
Index most_at_once(const Network<S>& network) {
  constexpr Index bytes = 4 << 20, most = 256;
  Shape shape = network.input_shape();
  Index largest = std::max<Index>(1, shape.size());
  for (Index i = 0; i < network.layers().size(); ++i) {
    shape = network.layers()[i].output_shape(shape);
    largest = std::max(largest, shape.size());
  }
  return std::clamp<Index>(bytes / static_cast<Index>(sizeof(S)) / largest, 1, most);
}

/// Infers the samples x {N, ...}, part by part, and calls take(first, output, trace) with the number of a part's first
/// sample. `labels` are one a sample, or none.
template <class S, class Take>
void infer_in_parts(const Network<S>& network, const Tensor<S>& x, Labels labels, const Take& take) {
  const Index count = x.dim(0), size = network.input_shape().size(), most = most_at_once(network);
  const Index parts = (count + most - 1) / most;
  Tensor<S> part;
  Trace<S> trace;
  for (Index i = 0; i < parts; ++i) {
    const Index first = part_begin(count, parts, i);
    part.resize(network.input_shape().batch(part_begin(count, parts, i + 1) - first));
    std::copy_n(x.data() + first * size, part.size(), part.data());
    const auto place = static_cast<std::size_t>(first), length = static_cast<std::size_t>(part.dim(0));
    const Tensor<S>& y = network.infer(part, trace, labels.empty() ? labels : labels.subspan(place, length));
    take(first, y, trace);
  }
}

}  // namespace rival::internal
