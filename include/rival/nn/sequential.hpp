#pragma once
// Sequential: layers one behind the other. It is a layer itself, so it nests.

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/nn/layer.hpp"

namespace rival {

namespace internal {

/// Two tensors between which a gradient alternates on its way down. They are the thread's, not the trace's: no pass
/// needs them when it is over. A Sequential within another takes the next pair.
template <class S>
class GradientPair {
 public:
  GradientPair() : place_(depth()++) {
    if (pairs().size() <= place_) pairs().resize(place_ + 1);
  }
  ~GradientPair() { --depth(); }
  GradientPair(const GradientPair&) = delete;
  GradientPair& operator=(const GradientPair&) = delete;
  Tensor<S>& operator[](std::size_t i) const { return pairs()[place_][i]; }

 private:
  static std::deque<std::array<Tensor<S>, 2>>& pairs() {  // its references stay good while it grows
    thread_local std::deque<std::array<Tensor<S>, 2>> of_thread;
    return of_thread;
  }
  static std::size_t& depth() {
    thread_local std::size_t of_thread = 0;
    return of_thread;
  }

  std::size_t place_;
};

template <class S>
State<S> state_of(Layer<S>& layer) {
  State<S> state;
  layer.collect(state);
  return state;
}

/// Throws Error, naming the first that differs, unless parameters and buffers of both have the same shapes.
template <class S>
void require_same_shapes(Layer<S>& mine, Layer<S>& other) {
  const State<S> a = state_of(mine), b = state_of(other);
  const auto compare = [&](const auto& here, const auto& there, std::string_view what) {
    require(here.size() == there.size(), mine, ": cannot become a copy: it has ", here.size(), " ", what,
            ", the other one ", there.size());
    for (std::size_t i = 0; i < here.size(); ++i)
      require(here[i]->value.shape() == there[i]->value.shape(), mine, ": cannot become a copy: its \"", here[i]->name,
              "\" is ", here[i]->value.shape(), ", the other one's ", there[i]->value.shape());
  };
  compare(a.parameters, b.parameters, "parameters");
  compare(a.buffers, b.buffers, "buffers");
}

}  // namespace internal

/// y = f_n(... f_2(f_1(x))). Owns its layers; copying copies them.
///
/// A leaky ReLU directly behind a layer that can apply it while writing its output (dense, convolution, batch norm)
/// costs no sweep of its own forward, and one in front of a layer that can gate its input gradient none backward. Nor
/// does a batch norm directly behind a dense layer or a convolution, in an evaluation that nobody goes backward
/// through.
template <class S = float>
class Sequential : public Layer<S> {
 public:
  Sequential() = default;
  /// Appends the layers, as `add` does, moved or copied.
  template <class... Layers>
  requires(sizeof...(Layers) > 0 && (std::is_base_of_v<Layer<S>, std::remove_cvref_t<Layers>> && ...) &&
           !(sizeof...(Layers) == 1 && (std::is_same_v<Sequential, std::remove_cvref_t<Layers>> &&
                                        ...))) explicit Sequential(Layers&&... layers) {
    (add(std::forward<Layers>(layers)), ...);
  }
  /// Copies every layer.
  Sequential(const Sequential& other) : Layer<S>(other) {
    for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
  }
  Sequential(Sequential&&) noexcept = default;
  /// Becomes a copy of `other`, but for its name. Layers that are there stay where they are, with all their parameters,
  /// and take over the options and values of the other's; gradients become zero. Throws Error, and changes nothing,
  /// when the two differ in their kinds of layers or in the shapes of parameters and buffers. Without layers it takes
  /// copies of the other's, and its name.
  Sequential& operator=(const Sequential& other) {
    if (this == &other) return *this;
    if (layers_.empty()) {
      for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
      Layer<S>::operator=(other);
      return *this;
    }
    Sequential trial(*this);  // what does not fit shows here
    trial.assign(other);
    trial.set_name(this->name());
    internal::require_same_shapes<S>(*this, trial);
    const std::string name = this->name();
    assign(other);
    set_name(name);
    for (auto* parameter : internal::state_of<S>(*this).parameters) parameter->grad.fill(S(0));
    return *this;
  }
  /// The same, and `other` stays as it is; but without layers it takes the layers of `other` over.
  Sequential& operator=(Sequential&& other) {
    if (this == &other || !layers_.empty()) return *this = std::as_const(other);
    layers_ = std::move(other.layers_);
    Layer<S>::operator=(other);
    return *this;
  }

  /// Appends a layer and names it by its kind and number: "conv1", "conv2", "bn1".
  template <class L>
  Sequential& add(L&& layer) {
    layers_.push_back(std::make_unique<std::remove_cvref_t<L>>(std::forward<L>(layer)));
    set_name(this->name());
    return *this;
  }

  /// The same for a layer of any kind. Throws Error when there is none.
  Sequential& add(std::unique_ptr<Layer<S>> layer) {
    require(layer != nullptr, *this, ": expected a layer, got a null pointer");
    layers_.push_back(std::move(layer));
    set_name(this->name());
    return *this;
  }

  /// Number of layers.
  Index size() const { return static_cast<Index>(layers_.size()); }
  /// Throws Error unless 0 <= i < size().
  Layer<S>& operator[](Index i) { return *layers_[place(i)]; }
  /// The same, to be read only.
  const Layer<S>& operator[](Index i) const { return *layers_[place(i)]; }

  std::string_view kind() const override { return "sequential"; }
  std::string_view short_name() const override { return "block"; }
  Description describe() const override {
    Description description{"sequential"};
    for (const auto& layer : layers_) description.layers.push_back(layer->describe());
    return description;
  }

  Shape output_shape(const Shape& input) const override {
    Shape shape = input;
    for (const auto& layer : layers_) shape = layer->output_shape(shape);
    return shape;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = nullptr;  // until the pass is whole, there is nothing to go back through
    trace.children.resize(layers_.size());
    const Tensor<S>* y = &x;
    for (std::size_t i = 0; i < layers_.size();) {
      ForwardPass<S> request{.mode = pass.mode, .backward = pass.backward, .labels = pass.labels};
      std::size_t next = i + 1;
      if (pass.mode == Mode::eval && !pass.backward && next < layers_.size() && layers_[i]->fuses_channel_map()) {
        const Shape out = layers_[i]->output_shape(y->shape().sample());
        request.map = layers_[next]->channel_map(trace.children[next]);
        if (request.map.scale) layers_[next++]->output_shape(out);
      }
      if (next < layers_.size() && layers_[i]->fuses_activation() && layers_[next]->leaky_slope() != S(1))
        request.slope = layers_[next++]->leaky_slope();
      y = &layers_[i]->forward(*y, trace.children[i], request);
      while (++i < next) trace.children[i].output.alias(*y, y->shape());
    }
    if (pass.backward) trace.input = &x;
    trace.output.alias(*y, y->shape());
    return *y;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    backward_from(layers_.size(), trace, dy, dx, pass);
  }
  /// The same for the first `count` layers alone, `dy` being the gradient with respect to the output of the last of
  /// them.
  void backward_from(std::size_t count, Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx,
                     const BackwardPass<S>& pass) {
    require(trace.input != nullptr && trace.children.size() == layers_.size(), *this,
            ": backward needs the trace of a forward pass that leaves what it needs");
    // Below the lowest layer that has parameters nobody needs a gradient, unless the input's own is asked for.
    std::size_t lowest = 0;
    if (dx == nullptr)
      while (lowest < count && !(pass.parameters && layers_[lowest]->has_parameters())) ++lowest;
    const Tensor<S>* gradient = &dy;
    const internal::GradientPair<S> pair;
    std::size_t turn = 0;
    for (std::size_t i = count; i-- > lowest;) {
      const bool gated = i > lowest && layers_[i]->gates_input() && layers_[i - 1]->leaky_slope() != S(1);
      const bool last = (gated ? i - 1 : i) == lowest;
      // The gradient that a layer hands down is the one with respect to the output of the next layer below that is
      // called.
      Tensor<S>* below = last        ? dx
                         : pass.keep ? &trace.children[i - (gated ? 2 : 1)].output_gradient
                                     : &pair[turn ^= 1];
      layers_[i]->backward(trace.children[i], *gradient, below,
                           {pass.parameters, gated ? layers_[i - 1]->leaky_slope() : S(1), pass.keep});
      gradient = below;
      if (gated) --i;
    }
    if (count == 0 && dx != nullptr) *dx = dy;
  }

  /// Throws Error where a layer of it does.
  Curvature curvature() const override {
    Curvature all = Curvature::linear;
    for (const auto& layer : layers_)
      if (layer->curvature() == Curvature::curved) all = Curvature::curved;
    return all;
  }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    const Tensor<S>* tangent = &x_tangent;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      TangentPass<S> request{.affine = pass.affine};
      const bool gated =
          i + 1 < layers_.size() && layers_[i]->fuses_activation() && layers_[i + 1]->leaky_slope() != S(1);
      if (gated) {
        request.gate = trace.children[i + 1].output.data();
        request.slope = layers_[i + 1]->leaky_slope();
      }
      tangent = &layers_[i]->forward_tangent(*tangent, trace.children[i], request);
      if (gated) trace.children[++i].output_tangent.alias(*tangent, tangent->shape());
    }
    return *tangent;
  }

  /// Reads what a `backward` of the same dy left that was asked to keep it.
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    std::size_t lowest = 0;
    if (dx_tangent == nullptr)
      while (lowest < layers_.size() && !layers_[lowest]->has_parameters()) ++lowest;
    const internal::GradientPair<S> pair;
    std::size_t turn = 0;
    for (std::size_t i = layers_.size(); i-- > lowest;) {
      const Tensor<S>& gradient = i + 1 == layers_.size() ? dy : trace.children[i].output_gradient;
      // A gradient that does not move stays so until a layer bends.
      const bool moves = dy_tangent || layers_[i]->curvature() == Curvature::curved;
      Tensor<S>* below = i == lowest ? dx_tangent : moves ? &pair[turn ^= 1] : nullptr;
      layers_[i]->backward_tangent(trace.children[i], gradient, dy_tangent, below, pass);
      dy_tangent = below;
    }
    if (layers_.empty() && dx_tangent != nullptr) {
      if (dy_tangent)
        *dx_tangent = *dy_tangent;
      else
        dx_tangent->resize(dy.shape()), dx_tangent->fill(S(0));
    }
  }

  void commit(const Trace<S>& trace) override {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->commit(trace.children[i]);
  }

  bool has_parameters() const override {
    for (const auto& layer : layers_)
      if (layer->has_parameters()) return true;
    return false;
  }
  void collect(State<S>& state) override {
    for (const auto& layer : layers_) layer->collect(state);
  }
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (const auto& layer : layers_) layer->initialise(weights, random);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Sequential>(*this); }
  void assign(const Layer<S>& other) override {
    const auto& same = internal::require_same_kind(*this, other);
    require(layers_.size() == same.layers_.size(), *this, ": cannot become a copy of a stack of ", same.layers_.size(),
            " layers: it has ", layers_.size());
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->assign(*same.layers_[i]);
  }

  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    std::map<std::string, int, std::less<>> seen;
    for (const auto& layer : layers_) {
      const std::string local(layer->short_name());
      layer->set_name((name.empty() ? "" : name + ".") + local + std::to_string(++seen[local]));
    }
  }

 private:
  std::size_t place(Index i) const {
    require(i >= 0 && i < size(), *this, ": expected the number of one of its ", size(), " layers, got ", i);
    return static_cast<std::size_t>(i);
  }

  std::vector<std::unique_ptr<Layer<S>>> layers_;
};

RIVAL_INSTANTIATE_CLASS(Sequential);

}  // namespace rival
