#pragma once
// TimeDistributed: layers that see each step of a sequence by itself.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "rival/nn/sequential.hpp"

namespace rival {

/// Samples {T, ...} go through the layers as T samples {...}: a batch of clips {N, T, H, W, C} is N T images to them,
/// and becomes a batch {N, T, ...} of what they make:
///
///     TimeDistributed(
///         Sequential(Conv2d({.in = 1, .out = 32, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU(0.2)))
///
/// Layers within that look at a whole batch (batch norm, minibatch deviation) look at all steps of all samples. A label
/// of a sample is that of each of its steps.
template <class S = float>
class TimeDistributed : public Layer<S> {
 public:
  /// The layers that are run on each step.
  explicit TimeDistributed(Sequential<S> layers) : layers_(std::move(layers)) {}

  std::string_view kind() const override { return "time_distributed"; }
  std::string_view short_name() const override { return "steps"; }
  Description describe() const override {
    return internal::describe_around(rival::describe("time_distributed", NoOptions{}), layers_.describe());
  }

  /// The layers within, to be read or changed one by one.
  Sequential<S>& layers() { return layers_; }
  /// The same, to be read only.
  const Sequential<S>& layers() const { return layers_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 2 && input[0] > 0, *this,
            ": expected sequences of samples, the steps as their first axis, ", "got ", input);
    return layers_.output_shape(input.sample()).batch(input[0]);
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Shape out = output_shape(x.shape().sample()).batch(x.dim(0));
    trace.input = &x;
    trace.children.resize(2);
    trace.labels.clear();
    for (const auto label : pass.labels)
      for (Index t = 0; t < x.dim(1); ++t) trace.labels.push_back(label);
    Tensor<S>& steps = trace.children[as_steps].output;
    steps.alias(x, steps_of(x.shape()));
    const Tensor<S>& y = layers_.forward(steps, trace.children[within],
                                         {.mode = pass.mode, .backward = pass.backward, .labels = trace.labels});
    require(y.size() == out.size(), *this, ": a layer within makes one sample of several, which steps cannot do");
    trace.output.alias(y, out);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    layers_.backward(trace.children[within], window(dy), dx, {.parameters = pass.parameters, .keep = pass.keep});
    if (dx) dx->reshape(trace.input->shape());
  }

  Curvature curvature() const override { return layers_.curvature(); }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    Tensor<S>& steps = trace.children[as_steps].output_tangent;
    steps.alias(x_tangent, steps_of(x_tangent.shape()));
    const Tensor<S>& y = layers_.forward_tangent(steps, trace.children[within], {.affine = pass.affine});
    trace.output_tangent.alias(y, trace.output.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    const Tensor<S> moved = dy_tangent ? window(*dy_tangent) : Tensor<S>();
    layers_.backward_tangent(trace.children[within], window(dy), dy_tangent ? &moved : nullptr, dx_tangent,
                             {.affine = pass.affine});
    if (dx_tangent) dx_tangent->reshape(trace.input->shape());
  }

  void commit(const Trace<S>& trace) override { layers_.commit(trace.children[within]); }
  bool has_parameters() const override { return layers_.has_parameters(); }
  void collect(State<S>& state) override { layers_.collect(state); }
  void initialise(const Initialiser<S>& weights, const Random& random) override { layers_.initialise(weights, random); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<TimeDistributed>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    layers_.set_name(name);
  }

 private:
  // The children of a trace: that of the layers, and one of windows on what goes in, as if a layer in front of them
  // changed its shape.
  enum Child : std::size_t { within, as_steps };

  /// {N, T, ...} as {N T, ...}
  static Shape steps_of(const Shape& batch) { return batch.sample().sample().batch(batch[0] * batch[1]); }
  static Tensor<S> window(const Tensor<S>& batch) {
    Tensor<S> steps;
    steps.alias(batch, steps_of(batch.shape()));
    return steps;
  }

  Sequential<S> layers_;
};

RIVAL_INSTANTIATE_CLASS(TimeDistributed);

}  // namespace rival
