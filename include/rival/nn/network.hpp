#pragma once
// Network: a Sequential that knows the shape of its input, and is what a training program holds.

#include <string>
#include <utility>

#include "rival/core/optimisation.hpp"
#include "rival/nn/sequential.hpp"

namespace rival {

/// A named stack of layers for inputs of one sample shape. Generator and Discriminator are networks.
template <class S = float>
class Network {
 public:
  /// Throws Error when the layers do not fit each other or the input.
  Network(std::string name, const Shape& input, Sequential<S> layers) : input_(input), layers_(std::move(layers)) {
    layers_.set_name(name);
    output_shape();
    for (const auto* parameter : parameters()) weights_ += parameter->value.size();
  }

  const std::string& name() const { return layers_.name(); }
  const Shape& input_shape() const { return input_; }
  Shape output_shape() const { return layers_.output_shape(input_); }
  Sequential<S>& layers() { return layers_; }
  const Sequential<S>& layers() const { return layers_; }

  /// A training pass: batch norm normalises by this batch and moves its running statistics, dropout drops.
  /// `x` is read again by `backward` and must be kept until then.
  /// `labels`, one a sample, are for networks that depend on them, and are kept like `x`.
  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, Labels labels = {}) {
    internal::warn_unless_optimised();
    const auto& y = run(x, trace, {.mode = Mode::train, .labels = labels});
    layers_.commit(trace);
    return y;
  }
  const Tensor<S>& forward(Tensor<S>&& x, Trace<S>& trace, Labels labels = {}) = delete;

  /// An evaluation pass: a pure function of x and the weights. It leaves in `trace` nothing to go backward through, and
  /// batch norms directly behind dense layers and convolutions are folded into them. Several threads may infer with one
  /// network at once, each with a trace of its own.
  const Tensor<S>& infer(const Tensor<S>& x, Trace<S>& trace, Labels labels = {}) const {
    return run(x, trace, {.mode = Mode::eval, .backward = false, .labels = labels});
  }

  /// From the gradient with respect to the output computes what is wanted: adds to every Parameter::grad, and returns
  /// the gradient with respect to the input (an empty tensor if not wanted), which `trace` holds until its next pass.
  /// Throws Error when `trace` is not of a `forward` through this network (`infer` leaves nothing to go back through),
  /// and when `dy` has not the shape of that pass's output.
  const Tensor<S>& backward(Trace<S>& trace, const Tensor<S>& dy, Wanted wanted) {
    require(trace.input != nullptr && trace.input->shape().sample() == input_ &&
                trace.children.size() == static_cast<std::size_t>(layers_.size()),
            "network \"", name(),
            "\": backward needs the trace of a forward pass through this network, and `infer` leaves none");
    require(dy.shape() == trace.output.shape(), "network \"", name(), "\": expected an output gradient of ",
            trace.output.shape(), ", got ", dy.shape());
    return backward_from(layers_.size(), trace, dy, wanted);
  }

  /// The same for the first `count` layers alone: `dfeatures` is the gradient with respect to what `features(count,
  /// trace)` gives.
  const Tensor<S>& backward_from(Index count, Trace<S>& trace, const Tensor<S>& dfeatures, Wanted wanted) {
    require(count >= 0 && count <= layers_.size(), "network \"", name(), "\": expected 0 to ", layers_.size(),
            " layers, got ", count);
    Tensor<S>& dx = trace.input_gradient;
    if (!wanted.input) dx.resize({0});
    parallel_scope(work(dfeatures.dim(0)), [&] {
      layers_.backward_from(static_cast<std::size_t>(count), trace, dfeatures, wanted.input ? &dx : nullptr,
                            {.parameters = wanted.parameters, .keep = wanted.keep});
    });
    return dx;
  }
  /// What came out of the first `count` layers in a `forward`. Throws Error where the next one is a leaky ReLU, with
  /// which the one in front may have been fused.
  const Tensor<S>& features(Index count, const Trace<S>& trace) const {
    require(count >= 1 && count <= layers_.size() && (count == layers_.size() || layers_[count].leaky_slope() == S(1)),
            "network \"", name(), "\": expected features behind one of its ", layers_.size(),
            " layers and its activation, got ", count);
    return trace.children[static_cast<std::size_t>(count - 1)].output;
  }

  /// Second order, exact: with G(x) the gradient that `backward(trace, dy, {.parameters = true})` would add for the
  /// input x, adds
  ///   the derivative of G along `x_tangent`, while dy moves along `dy_tangent` (null: it stays);
  ///   if `affine`, in networks whose curvature is linear: G(x_tangent), with the choices of the pass in the trace as
  ///   they were.
  /// Needs the trace of a `forward` and of a `backward` with that dy and `Wanted::keep`.
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, const Tensor<S>& x_tangent,
                        bool affine = false) {
    require(trace.input != nullptr && x_tangent.shape() == trace.input->shape(), "network \"", name(),
            "\": backward_tangent needs a trace and a tangent of its input's shape, got a tangent of ",
            x_tangent.shape());
    parallel_scope(work(x_tangent.dim(0)), [&] {
      layers_.forward_tangent(x_tangent, trace, {.affine = affine});
      layers_.backward_tangent(trace, dy, dy_tangent, nullptr, {.affine = affine});
    });
  }
  /// How the network bends; throws Error for the first layer that has no tangents.
  Curvature curvature() const { return layers_.curvature(); }

  State<S> state() {
    State<S> all;
    layers_.collect(all);
    return all;
  }
  std::vector<Parameter<S>*> parameters() { return state().parameters; }
  std::vector<Buffer<S>*> buffers() { return state().buffers; }

  /// What a pass of a batch costs at least, as parallel_scope counts it: each weight is used once for each sample.
  double work(Index batch) const { return static_cast<double>(batch * weights_) / 16; }

  /// Draws all weights anew; biases become 0, batch norm's scale 1.
  void initialise(const Initialiser<S>& weights, const Random& random) { layers_.initialise(weights, random); }

 private:
  const Tensor<S>& run(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const {
    require(x.rank() == input_.rank() + 1 && x.shape().sample() == input_ && x.dim(0) > 0, "network \"", name(),
            "\": expected a batch of ", input_, ", got ", x.shape());
    const Tensor<S>* y = nullptr;
    parallel_scope(work(x.dim(0)), [&] { y = &layers_.forward(x, trace, pass); });
    trace.output.alias(*y, y->shape());
    return *y;
  }

  Shape input_;
  Sequential<S> layers_;
  Index weights_ = 0;
};

RIVAL_INSTANTIATE_CLASS(Network);

}  // namespace rival
