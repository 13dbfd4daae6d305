#pragma once
// The labels of a pass, for layers that depend on them.

#include "rival/nn/layer.hpp"

namespace rival::internal {

/// Keeps `labels` in the trace, if there is one of 0 ... classes - 1 for each of `count` samples. Throws Error naming
/// the layer otherwise.
template <class S>
void keep_labels(const Layer<S>& layer, Labels labels, Index count, Index classes, Trace<S>& trace) {
  require(static_cast<Index>(labels.size()) == count, layer, ": expected ", count, " labels, one a sample, got ",
          labels.size());
  for (const Index label : labels)
    require(label < classes, layer, ": expected labels from 0 to ", classes - 1, ", got ", label);
  trace.labels.assign(labels.begin(), labels.end());
}

}  // namespace rival::internal
