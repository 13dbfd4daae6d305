#pragma once
// Trace: what one forward pass leaves behind for its backward passes.

#include <cstddef>
#include <deque>
#include <vector>

#include "rival/core/labels.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// Training normalises by the batch and drops units; evaluation uses running statistics and is a pure function.
enum class Mode { train, eval };

/// The record of one forward pass through one layer; a Sequential's has a child for each of its layers.
///
/// A trace belongs to a pass, so one network can be traversed several times (real, generated, penalised) before one
/// update. A backward pass reads it and may be repeated. All memory is kept and used again by the next pass.
template <class S = float>
struct Trace {
  /// What went in. The tensor is the caller's, who keeps it, unchanged, until the last backward pass.
  const Tensor<S>* input = nullptr;
  /// What came out.
  Tensor<S> output;
  Mode mode = Mode::train;
  /// The samples' labels, if the layer reads them. They are the caller's, as the input is.
  Labels labels;
  /// What else the layer's backward needs (a mask, a mean); the layer gives the places their meaning.
  std::deque<Tensor<S>> saved;  // its references stay good while it grows
  std::vector<Trace> children;
  /// The gradient with respect to the input, where a network hands one out.
  Tensor<S> input_gradient;

  // What a gradient penalty adds to the record; see Layer::forward_tangent.
  /// The gradient with respect to this layer's output, where a backward pass was asked to keep it.
  Tensor<S> output_gradient;
  /// The tangent that went in. The tensor is the caller's, as the input is.
  const Tensor<S>* input_tangent = nullptr;
  /// The tangent that came out.
  Tensor<S> output_tangent;

  Tensor<S>& save(std::size_t place, const Shape& shape) {
    if (saved.size() <= place) saved.resize(place + 1);
    saved[place].resize(shape);
    return saved[place];
  }
};

}  // namespace rival
