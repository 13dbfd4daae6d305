#pragma once
// Network: a Sequential that knows the shape of its input, and is what a training program holds.

#include <string>
#include <string_view>
#include <utility>

#include "rival/core/optimisation.hpp"
#include "rival/nn/sequential.hpp"

namespace rival {

/// A named stack of layers for inputs of one sample shape. Generator and Discriminator are networks.
///
/// Optimisers, trainers and moving averages point to a network's parameters, so assignment leaves these where they are
/// and copies the other network's values into them. A moved network takes its parameters along; the one that it was
/// moved from has no layers, and throws Error when a pass is asked for.
template <class S = float>
class Network {
 public:
  /// Throws Error when the layers do not fit each other or the input.
  Network(std::string name, const Shape& input, Sequential<S> layers) : input_(input), layers_(std::move(layers)) {
    layers_.set_name(name);
    output_shape();
    for (const auto* parameter : parameters()) weights_ += parameter->value.size();
  }

  /// Copies all layers with their weights; traces of the other's passes are not the copy's.
  Network(const Network& other)
      : input_(other.input_),
        layers_(other.layers_),
        weights_(other.weights_),
        identity_(other.identity_ ? internal::Identity() : internal::Identity::none()) {}
  Network(Network&&) noexcept = default;
  /// Becomes a copy of `other` in place, but for its name: see Sequential. Throws Error, and changes nothing, when the
  /// two differ in structure.
  Network& operator=(const Network& other) {
    if (this == &other) return *this;
    if (!identity_) return *this = Network(other);
    require(other.identity_ && input_ == other.input_ && output_shape() == other.output_shape(), "network \"", name(),
            "\": cannot become a copy of \"", other.name(), "\": it maps ", input_, " to ", output_shape(),
            ", the other one ", other.input_, " to ", other.output_shape());
    layers_ = other.layers_;
    return *this;
  }
  /// The same, and `other` stays as it is; but a network that was moved from takes the layers of `other` over.
  Network& operator=(Network&& other) {
    if (this == &other || identity_) return *this = std::as_const(other);
    input_ = other.input_;
    layers_ = std::move(other.layers_);
    weights_ = other.weights_;
    identity_ = std::move(other.identity_);
    return *this;
  }
  ~Network() = default;

  /// The name that its parameters' names begin with, such as "G".
  const std::string& name() const { return layers_.name(); }
  /// The sample shape that goes in.
  const Shape& input_shape() const { return input_; }
  /// The sample shape that comes out.
  Shape output_shape() const { return layers_.output_shape(input_); }
  /// The layers, to be read or changed one by one.
  Sequential<S>& layers() { return layers_; }
  /// The same, to be read only.
  const Sequential<S>& layers() const { return layers_; }

  /// A training pass: batch norm normalises by this batch and moves its running statistics, dropout drops.
  /// `x` is read again by `backward` and must be kept until then; it must not lie in `trace`.
  /// `labels`, one a sample, are for networks that depend on them.
  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, Labels labels = {}) {
    internal::warn_unless_optimised();
    const auto& y = run(x, trace, {.mode = Mode::train, .labels = labels});
    layers_.commit(trace);
    trace.input_window.alias(x, x.shape());
    trace.network = identity_;
    return y;
  }
  const Tensor<S>& forward(const Tensor<S>&& x, Trace<S>& trace, Labels labels = {}) = delete;

  /// An evaluation pass: a pure function of x and the weights. It leaves in `trace` nothing to go backward through, and
  /// batch norms directly behind dense layers and convolutions are folded into them. Several threads may infer with one
  /// network at once, each with a trace of its own.
  const Tensor<S>& infer(const Tensor<S>& x, Trace<S>& trace, Labels labels = {}) const {
    return run(x, trace, {.mode = Mode::eval, .backward = false, .labels = labels});
  }

  /// Throws Error, saying that `who` needs it, unless `trace` is that of a `forward` through this network, and the
  /// input of that pass is still where it was and of its shape. All that goes back through a pass asks this first.
  void require_pass(const Trace<S>& trace, std::string_view who) const {
    require(trace.network && trace.network == identity_ &&
                trace.children.size() == static_cast<std::size_t>(layers_.size()),
            "network \"", name(), "\": ", who,
            " needs the trace of a forward pass through this network, and `infer` leaves none");
    require(trace.input->shape() == trace.input_window.shape() && trace.input->data() == trace.input_window.data(),
            "network \"", name(), "\": ", who, " needs the input of the forward pass, ", trace.input_window.shape(),
            ", as it was: it has been resized or moved, and is now ", trace.input->shape());
  }

  /// From the gradient with respect to the output computes what is wanted: adds to every Parameter::grad, and returns
  /// the gradient with respect to the input (an empty tensor if not wanted), which `trace` holds until its next pass.
  /// Throws Error when `trace` is not of a `forward` through this network (`infer` leaves nothing to go back through),
  /// and when `dy` has not the shape of that pass's output.
  const Tensor<S>& backward(Trace<S>& trace, const Tensor<S>& dy, Wanted wanted) {
    require_pass(trace, "backward");
    require_shape(dy, trace.output.shape(), "an output gradient");
    trace.kept = false;
    go_back(layers_.size(), trace, dy, wanted);
    trace.kept = wanted.keep;
    return trace.input_gradient;
  }

  /// The same for the first `count` layers alone: `dfeatures` is the gradient with respect to what `features(count,
  /// trace)` gives, or, for a count of 0, with respect to the input.
  const Tensor<S>& backward_from(Index count, Trace<S>& trace, const Tensor<S>& dfeatures, Wanted wanted) {
    require(count >= 0 && count <= layers_.size(), "network \"", name(), "\": expected 0 to ", layers_.size(),
            " layers, got ", count);
    if (count == layers_.size()) return backward(trace, dfeatures, wanted);
    require_pass(trace, "backward_from");
    require(!wanted.keep, "network \"", name(), "\": only a backward pass of all layers keeps what tangents read");
    require_shape(dfeatures, count == 0 ? trace.input->shape() : output_of(count, trace).shape(),
                  "a gradient of features");
    trace.kept = false;
    go_back(count, trace, dfeatures, wanted);
    return trace.input_gradient;
  }
  /// What came out of the first `count` layers in a `forward`. Throws Error when `trace` is not of one, and where the
  /// next layer is a leaky ReLU, with which the one in front may have been fused.
  const Tensor<S>& features(Index count, const Trace<S>& trace) const {
    require(count >= 1 && count <= layers_.size() && (count == layers_.size() || layers_[count].leaky_slope() == S(1)),
            "network \"", name(), "\": expected features behind one of its ", layers_.size(),
            " layers and its activation, got ", count);
    require_pass(trace, "features");
    return output_of(count, trace);
  }

  /// Second order, exact: with G(x) the gradient that `backward(trace, dy, {.parameters = true})` would add for the
  /// input x, adds
  ///   the derivative of G along `x_tangent`, while dy moves along `dy_tangent` (null: it stays);
  ///   if `affine`, in networks whose curvature is linear: G(x_tangent), with the choices of the pass in the trace as
  ///   they were.
  /// Needs the trace of a `forward` and, as the last backward pass, of a `backward` with that dy and `Wanted::keep`.
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, const Tensor<S>& x_tangent,
                        bool affine = false) {
    require_pass(trace, "backward_tangent");
    require(trace.kept, "network \"", name(),
            "\": backward_tangent needs a `backward` before it that was asked to keep what it reads");
    require_shape(dy, trace.output.shape(), "an output gradient");
    if (dy_tangent) require_shape(*dy_tangent, trace.output.shape(), "a tangent of the output gradient");
    require_shape(x_tangent, trace.input->shape(), "a tangent of the input");
    require(!affine || (!dy_tangent && curvature() == Curvature::linear), "network \"", name(),
            "\": an affine pass needs layers that are all linear, and an output gradient that does not move");
    parallel_scope(work(x_tangent.dim(0)), [&] {
      layers_.forward_tangent(x_tangent, trace, {.affine = affine});
      layers_.backward_tangent(trace, dy, dy_tangent, nullptr, {.affine = affine});
    });
  }
  /// How the network bends; throws Error for the first layer that has no tangents.
  Curvature curvature() const { return layers_.curvature(); }

  /// Everything that it remembers; the pointers are good until the network is moved.
  State<S> state() {
    State<S> all;
    layers_.collect(all);
    return all;
  }
  /// The parameters alone, such as an optimiser takes.
  std::vector<Parameter<S>*> parameters() { return state().parameters; }
  /// The buffers alone.
  std::vector<Buffer<S>*> buffers() { return state().buffers; }

  /// What a pass of a batch costs at least, as parallel_scope counts it: each weight is used once for each sample.
  double work(Index batch) const { return static_cast<double>(batch * weights_) / 16; }

  /// Draws all weights anew; biases become 0, batch norm's scale 1.
  void initialise(const Initialiser<S>& weights, const Random& random) { layers_.initialise(weights, random); }

 private:
  const Tensor<S>& run(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const {
    require(static_cast<bool>(identity_), "network: expected a network with layers, got one that was moved from");
    require(x.rank() == input_.rank() + 1 && x.shape().sample() == input_ && x.dim(0) > 0, "network \"", name(),
            "\": expected a batch of ", input_, ", got ", x.shape());
    require(!trace.holds(x), "network \"", name(),
            "\": expected an input outside of the trace, got what an earlier pass left in it; use a second trace");
    trace.network = internal::Identity::none();  // until the pass is whole, there is nothing to go back through
    trace.kept = false;
    const Tensor<S>* y = nullptr;
    parallel_scope(work(x.dim(0)), [&] { y = &layers_.forward(x, trace, pass); });
    if (y->data() != x.data()) return *y;
    trace.output = *y;  // of layers that compute nothing: what is handed out must not end with x
    return trace.output;
  }

  void go_back(Index count, Trace<S>& trace, const Tensor<S>& dy, Wanted wanted) {
    Tensor<S>& dx = trace.input_gradient;
    require(!dx.owns(dy), "network \"", name(),
            "\": expected a gradient outside of the trace, got the one that an earlier pass left in it");
    // The tangents may read what the lowest layer leaves on its way down to the input.
    const bool down = wanted.input || wanted.keep;
    parallel_scope(work(dy.dim(0)), [&] {
      layers_.backward_from(static_cast<std::size_t>(count), trace, dy, down ? &dx : nullptr,
                            {.parameters = wanted.parameters, .keep = wanted.keep});
    });
    if (!wanted.input) dx.resize({0});
  }

  /// Of the first `count` layers.
  const Tensor<S>& output_of(Index count, const Trace<S>& trace) const {
    return trace.children[static_cast<std::size_t>(count - 1)].output;
  }
  void require_shape(const Tensor<S>& tensor, const Shape& expected, std::string_view what) const {
    require(tensor.shape() == expected, "network \"", name(), "\": expected ", what, " of ", expected, ", got ",
            tensor.shape());
  }

  Shape input_;
  Sequential<S> layers_;
  Index weights_ = 0;
  internal::Identity identity_;  // by which a trace knows its network
};

RIVAL_INSTANTIATE_CLASS(Network);

}  // namespace rival
