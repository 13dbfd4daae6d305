#pragma once
// Reshape and Flatten: the same elements, in the same order, under another shape.

#include <memory>
#include <string_view>

#include "rival/kernels/elementwise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

namespace internal {

/// A layer whose output is a window on its input: nothing is copied on the way forward.
template <class S>
class ShapeChange : public Layer<S> {
 public:
  bool gates_input() const override { return true; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.alias(x, this->output_shape(x.shape().sample()).batch(x.dim(0)));
    return trace.output;
  }

  // The gradient is copied, since the caller reuses the memory of dy while it still reads dx.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    kernels::leaky_relu_gradient(trace.input->data(), dy.data(), dx->data(), dy.size(), pass.slope);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.alias(x_tangent, trace.output.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }
};

}  // namespace internal

/// What the layer's shape is called.
struct ReshapeOptions {
  Shape shape = {};  ///< of a sample

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("shape", o.shape);
  }
};

/// N samples of any shape become N of shape `sample`, of the same size.
template <class S = float>
class Reshape : public internal::ShapeChange<S> {
 public:
  using Options = ReshapeOptions;  ///< what it is made from
  /// `sample` without the batch axis; that it has the input's size is checked when the network is put together.
  explicit Reshape(const Shape& sample) : sample_(sample) {}

  std::string_view kind() const override { return "reshape"; }
  Description describe() const override { return rival::describe(kind(), ReshapeOptions{sample_}); }
  Shape output_shape(const Shape& input) const override {
    require(input.size() == sample_.size(), *this, ": cannot make ", sample_, " of ", input, ": expected ",
            sample_.size(), " elements, got ", input.size());
    return sample_;
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Reshape>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  Shape sample_;
};

/// N samples of any shape become N vectors: {N, H, W, C} becomes {N, H*W*C}.
template <class S = float>
class Flatten : public internal::ShapeChange<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "flatten"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override { return {input.size()}; }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Flatten>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::ShapeChange);
RIVAL_INSTANTIATE_CLASS(Reshape);
RIVAL_INSTANTIATE_CLASS(Flatten);

}  // namespace rival
