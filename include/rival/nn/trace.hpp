#pragma once
// Trace: what one forward pass leaves behind for its backward passes.

#include <cstddef>
#include <memory>
#include <vector>

#include "rival/core/labels.hpp"
#include "rival/core/tensor.hpp"
#include "rival/nn/identity.hpp"

namespace rival {

/// Training normalises by the batch and drops units; evaluation uses running statistics and is a pure function.
enum class Mode {
  train,  ///< a training pass
  eval    ///< an evaluation
};

namespace internal {

/// Tensors by number, whose references stay good while the list grows and when it is moved.
template <class S>
class TensorList {
 public:
  Tensor<S>& operator[](std::size_t i) { return *tensors_[i]; }
  const Tensor<S>& operator[](std::size_t i) const { return *tensors_[i]; }
  std::size_t size() const { return tensors_.size(); }
  void grow(std::size_t size) {
    while (tensors_.size() < size) tensors_.push_back(std::make_unique<Tensor<S>>());
  }

 private:
  std::vector<std::unique_ptr<Tensor<S>>> tensors_;
};

}  // namespace internal

/// The record of one forward pass through one layer; a Sequential's has a child for each of its layers.
///
/// A trace belongs to a pass, so one network can be traversed several times (real, generated, penalised) before one
/// update. A backward pass reads it and may be repeated. All memory is kept and used again by the next pass.
///
/// Parts of a trace point to others, and stay where they are when it is moved. It cannot be copied: run another pass.
template <class S = float>
struct Trace {
  Trace() = default;
  Trace(Trace&&) noexcept = default;
  Trace& operator=(Trace&&) noexcept = default;

  /// What went in. The tensor is the caller's, who keeps it, unchanged, until the last backward pass.
  const Tensor<S>* input = nullptr;
  /// What came out.
  Tensor<S> output;
  Mode mode = Mode::train;  ///< of the forward pass that the trace is of
  /// The samples' labels, if the layer reads them.
  std::vector<Labels::value_type> labels;
  /// What else the layer's backward needs (a mask, a mean); the layer gives the places their meaning.
  internal::TensorList<S> saved;
  std::vector<Trace> children;  ///< of the layers that a container holds
  /// The gradient with respect to the input, where a network hands one out.
  Tensor<S> input_gradient;

  // What a gradient penalty adds to the record; see Layer::forward_tangent.
  /// The gradient with respect to this layer's output, where a backward pass was asked to keep it.
  Tensor<S> output_gradient;
  /// The tangent that went in. The tensor is the caller's, as the input is.
  const Tensor<S>* input_tangent = nullptr;
  /// The tangent that came out.
  Tensor<S> output_tangent;

  // What Network checks a trace by.
  /// The network whose `forward` this is of, if it is of any.
  internal::Identity network = internal::Identity::none();
  /// Shape and place of the input when it went in.
  Tensor<S> input_window;
  /// Whether the last backward pass was one that kept what `backward_tangent` reads.
  bool kept = false;

  /// The tensor at that place of `saved`, of that shape and with undefined contents; allocates in the first pass alone.
  Tensor<S>& save(std::size_t place, const Shape& shape) {
    saved.grow(place + 1);
    saved[place].resize(shape);
    return saved[place];
  }

  /// Whether the values of `tensor` lie in memory that a pass with this trace writes.
  bool holds(const Tensor<S>& tensor) const {
    if (output.owns(tensor) || input_gradient.owns(tensor)) return true;
    for (std::size_t i = 0; i < saved.size(); ++i)
      if (saved[i].owns(tensor)) return true;
    for (const Trace& child : children)
      if (child.holds(tensor)) return true;
    return false;
  }
};

}  // namespace rival
