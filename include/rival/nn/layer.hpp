#pragma once
// Layer: the contract between a layer and the network that holds it.

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "rival/nn/description.hpp"
#include "rival/nn/initialise.hpp"
#include "rival/nn/parameter.hpp"
#include "rival/nn/trace.hpp"

namespace rival {

/// What a backward pass should compute; what is not wanted costs nothing.
struct Wanted {
  bool parameters = false;  ///< add to every Parameter::grad
  bool input = false;       ///< return the gradient with respect to the input
  bool keep = false;        ///< keep what a following `backward_tangent` reads
};

/// How a layer bends. A linear one is, around almost every input, an affine map of it (dense, convolution, leaky ReLU,
/// pooling): its gradients do not change along a direction unless those behind it do.
enum class Curvature {
  linear,  ///< affine around almost every input
  curved   ///< anything else
};

/// The map y = x * scale[c] + shift[c] of every channel (the last axis); null stands for none.
template <class S>
struct ChannelMap {
  const S* scale = nullptr;  ///< one number a channel
  const S* shift = nullptr;  ///< one number a channel
};

/// How a layer is asked to run forward.
template <class S>
struct ForwardPass {
  Mode mode = Mode::train;  ///< training or evaluation, for layers that differ between the two
  /// The layer applies y -> max(y, slope * y) to its output as it writes it: the leaky ReLU behind it, for which no
  /// second sweep over memory is then made. 1 stands for none. Only given to layers that `fuses_activation()`.
  S slope = S(1);
  /// Whether somebody may go backward through this pass. If not, layers need not keep what only backward reads.
  bool backward = true;
  /// The layer applies this map to its output as it writes it, in front of the slope: the batch norm behind it, in a
  /// pass that nobody goes back through. Only given to layers that `fuses_channel_map()`.
  ChannelMap<S> map = {};
  /// One label a sample, for layers that depend on them; containers hand them on.
  Labels labels = {};
};

/// How a layer is asked to run backward.
template <class S>
struct BackwardPass {
  bool parameters = false;  ///< the layer adds to every Parameter::grad
  /// The layer multiplies the input gradient by (x > 0 ? 1 : slope) as it writes it: the backward pass of the leaky
  /// ReLU that made its input x. 1 stands for none. Only given to layers that `gates_input()`.
  S slope = S(1);
  /// Containers keep the gradient with respect to each layer's output in its trace, for `backward_tangent`.
  bool keep = false;
};

/// How a layer is asked for tangents.
template <class S>
struct TangentPass {
  /// Instead of the linear map of tangents, the affine map of which it is the derivative: the pass in the trace, run
  /// again on another input, with every choice (a leaky ReLU's side, a maximum's place, a dropout's mask) as it was.
  /// Only given to layers whose curvature is linear, where it spares a pass; see GradientPenalty.
  bool affine = false;
  /// forward_tangent multiplies its output by (gate > 0 ? 1 : slope) as it writes it: the leaky ReLU behind it, whose
  /// output in the pass is `gate`, of the layout of the layer's own. Null stands for none. Only given to layers that
  /// `fuses_activation()`.
  const S* gate = nullptr;
  S slope = S(1);  ///< of that leaky ReLU
};

/// A differentiable function of a batch with, perhaps, parameters. People compose layers and never see this class;
/// who writes a new layer derives from it.
///
/// Shapes without a batch axis are "sample shapes": {28, 28, 1} for images, {100} for vectors.
template <class S = float>
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = default;
  Layer(Layer&&) noexcept = default;
  virtual ~Layer() = default;

  /// What the layer is called in errors and summaries, such as "conv2d".
  virtual std::string_view kind() const = 0;
  /// What its instances are called by default, such as "conv": the network adds a number.
  virtual std::string_view short_name() const { return kind(); }
  /// Its kind and options, from which `make_layer` makes it again: `rival::describe(kind(), options_)` for options that
  /// list themselves, with the descriptions of layers that it holds in Description::layers.
  virtual Description describe() const = 0;

  /// The sample shape that comes out for one that goes in. Throws Error when the layer cannot take it.
  virtual Shape output_shape(const Shape& input) const = 0;

  /// Computes the output of the batch `x`, keeps it and all that backward needs in `trace`, and returns it. The
  /// layer itself does not change, so several threads may run it, each with a trace of its own.
  virtual const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const = 0;

  /// Takes over what a training pass leaves in the network (running statistics, the position of a random stream).
  virtual void commit(const Trace<S>& trace) { (void)trace; }

  /// Given the gradient `dy` with respect to the output: writes the one with respect to the input to `dx` unless that
  /// is null, and adds to the gradients of the parameters if `pass.parameters`. Only a loss divides by the batch size.
  virtual void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) = 0;

  /// Whether tangents of this layer's gradients vanish by themselves. Throws Error when the layer has no tangents, and
  /// thus cannot stand in a discriminator with a gradient penalty.
  virtual Curvature curvature() const {
    fail(*this, ": a gradient penalty needs the tangents of every layer of the discriminator, and this kind has none");
  }

  /// The derivative of `forward` at the pass in `trace`, along `x_tangent`: y' = (dy/dx) x', kept in the trace and
  /// returned (Pearlmutter, "Fast exact multiplication by the Hessian", 1994). Keeps a pointer to `x_tangent` for
  /// `backward_tangent`.
  virtual const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                           const TangentPass<S>& pass) const {
    (void)x_tangent, (void)trace, (void)pass;
    fail(*this, ": has no tangents");
  }

  /// The derivative of `backward` along the `x_tangent` that `forward_tangent` left in `trace`, while dy moves along
  /// `dy_tangent` (null: it stays): adds that of every parameter's gradient to Parameter::grad, and writes that of dx
  /// to `dx_tangent` unless that is null. In an affine pass, `dy_tangent` is null, and what is added is the parameters'
  /// gradient for the affine map at `x_tangent`.
  virtual void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent,
                                Tensor<S>* dx_tangent, const TangentPass<S>& pass) {
    (void)trace, (void)dy, (void)dy_tangent, (void)dx_tangent, (void)pass;
    fail(*this, ": has no tangents");
  }

  /// Whether there is anything to optimise in it, or in the layers that it holds.
  virtual bool has_parameters() const { return false; }
  /// Appends pointers to the layer's parameters, buffers and random streams to `state`, always in the same order.
  virtual void collect(State<S>& state) { (void)state; }
  /// Draws the weights anew, each from the sub-stream of `random` that its parameter's name gives.
  virtual void initialise(const Initialiser<S>& weights, const Random& random) {
    (void)weights;
    (void)random;
  }

  /// The slope of this layer if it is a (leaky) ReLU, otherwise 1.
  virtual S leaky_slope() const { return S(1); }
  /// Whether it takes ForwardPass::slope and TangentPass::gate.
  virtual bool fuses_activation() const { return false; }
  /// Whether it takes BackwardPass::slope.
  virtual bool gates_input() const { return false; }
  /// What the layer is in evaluation, if that is a map of channels; its numbers are kept in `trace`. Otherwise none.
  virtual ChannelMap<S> channel_map(Trace<S>& trace) const {
    (void)trace;
    return {};
  }
  /// Whether it takes ForwardPass::map.
  virtual bool fuses_channel_map() const { return false; }

  /// A copy with parameters, buffers and streams of its own.
  virtual std::unique_ptr<Layer> clone() const = 0;
  /// Takes over all that `other` is and holds, which must be of the same kind, as `internal::assign` does. The
  /// parameters stay where they are, since others point to them.
  virtual void assign(const Layer& other) = 0;

  /// What the layer is called in its network, such as "G.conv1"; empty until a network names it.
  const std::string& name() const { return name_; }
  /// Names the layer and, with it as their prefix, its parameters, buffers and streams.
  virtual void set_name(const std::string& name) { name_ = name; }

  /// Prints kind and name, as errors begin: `conv2d "G.conv1"`.
  friend std::ostream& operator<<(std::ostream& out, const Layer& layer) {
    out << layer.kind();
    if (!layer.name_.empty()) out << " \"" << layer.name_ << '"';
    return out;
  }

 protected:
  // Of whole kinds alone: a layer is more than what all kinds share.
  Layer& operator=(const Layer&) = default;
  Layer& operator=(Layer&&) = default;

 private:
  std::string name_;
};

namespace internal {

/// `other` as what `layer` is. Throws Error when it is of another kind.
template <class L, class S>
const L& require_same_kind(const L& layer, const Layer<S>& other) {
  require(typeid(layer) == typeid(other), layer, ": cannot become a copy of another kind of layer, ", other);
  return static_cast<const L&>(other);
}

/// The assign of a kind whose own assignment leaves its parameters where they are.
template <class L, class S>
void assign(L& layer, const Layer<S>& other) {
  layer = require_same_kind(layer, other);
}

/// The backward_tangent of a layer that is linear and has no parameters: its backward, of dy'.
template <class S>
void backward_linear(Layer<S>& layer, Trace<S>& trace, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent) {
  if (dx_tangent == nullptr) return;
  if (dy_tangent) return layer.backward(trace, *dy_tangent, dx_tangent, {});
  dx_tangent->resize(trace.input ? trace.input->shape() : trace.output.shape());
  dx_tangent->fill(S(0));
}

}  // namespace internal

RIVAL_INSTANTIATE_CLASS(Layer);

}  // namespace rival
