#pragma once
// The labels of a pass, for layers that depend on them.

#include "rival/nn/layer.hpp"

namespace rival::internal {

/// `labels`, if there is one of 0 ... classes - 1 for each of `count` samples. Throws Error naming the layer otherwise.
template <class S>
Labels checked_labels(const Layer<S>& layer, Labels labels, Index count, Index classes) {
  require(static_cast<Index>(labels.size()) == count, layer, ": expected ", count, " labels, one a sample, got ",
          labels.size());
  for (const Index label : labels)
    require(label < classes, layer, ": expected labels from 0 to ", classes - 1, ", got ", label);
  return labels;
}

}  // namespace rival::internal
