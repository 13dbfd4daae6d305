#pragma once
// Weighted: what dense, convolution and transposed convolution share, a kernel and a bias.

#include <string>
#include <type_traits>

#include "rival/kernels/convolution/convolution.hpp"
#include "rival/kernels/reduce.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

namespace internal {

/// The padding below and to the right of a convolution's options.
template <class Options>
Size2 padding_end(const Options& o) {
  return o.padding_end == as_padding ? o.padding : o.padding_end;
}

/// The shape of a convolution's weight. Throws Error, beginning with `kind`, for options that make none.
template <class Options>
Shape window_shape(std::string_view kind, const Options& o) {
  require(o.in > 0 && o.out > 0, kind, ": expected positive channels, got in ", o.in, ", out ", o.out);
  require(o.kernel.h > 0 && o.kernel.w > 0 && o.stride.h > 0 && o.stride.w > 0, kind,
          ": expected positive kernel and stride, got ", o.kernel, " and ", o.stride);
  const Size2 end = padding_end(o);
  require_countable(kind, "kernel", o.kernel);
  require_countable(kind, "stride", o.stride);
  require_countable(kind, "padding", o.padding);
  require_countable(kind, "padding_end", end);
  require(o.padding.h >= 0 && o.padding.w >= 0 && end.h >= 0 && end.w >= 0, kind, ": expected padding >= 0, got ",
          o.padding, " and ", end);
  return {o.kernel.h, o.kernel.w, o.in, o.out};
}

/// The sizes of a convolution over signals as those over images of one row, which Options2d are of: all but what else
/// it has. Throws Error, beginning with `kind`, for sizes that make none.
template <class Options2d, class Options1d>
Options2d as_one_row(std::string_view kind, const Options1d& o) {
  require(o.kernel > 0 && o.stride > 0, kind, ": expected positive kernel and stride, got ", o.kernel, " and ",
          o.stride);
  const Index end = o.padding_end == as_padding.w ? o.padding : o.padding_end;
  require(o.padding >= 0 && end >= 0, kind, ": expected padding >= 0, got ", o.padding, " and ", end);
  return {.in = o.in,
          .out = o.out,
          .kernel = {1, o.kernel},
          .stride = {1, o.stride},
          .padding = {0, o.padding},
          .padding_end = {0, end},
          .bias = o.bias};
}

/// {1, kernel, in, out} without its one row.
template <class S>
void drop_row(Parameter<S>& weight) {
  for (Tensor<S>* of : {&weight.value, &weight.grad}) of->reshape(of->shape().sample());
}

}  // namespace internal

/// A layer that is linear in `weight` W, which is stored [kernel_h, kernel_w, in, out] ([kernel, in, out] for
/// signals, [in, out] for a dense layer), plus a bias b for each output channel, if there is one: y = x W + b, where
/// the product is what the kind of layer makes of it.
///
///     forward:           y = x W + b
///     backward:          dx = dy W^T,  dW += x^T dy,  db += column sums of dy
///     forward_tangent:   y' = x' W
///     backward_tangent:  dx' = dy' W^T,  dW += x'^T dy + x^T dy',  db += column sums of dy'
///
/// A kind gives the three products; who makes W of something else (spectral norm) derives from a kind and overrides
/// what the passes take W from and where its gradient goes.
template <class S>
class Weighted : public Layer<S> {
 public:
  using Scalar = S;  ///< the type of a weight
  /// Whether a wrapper, such as spectral norm, makes the weight. There can be one at most: each keeps in the trace what
  /// it makes.
  static constexpr bool wrapped = false;

  /// W, stored as the class says.
  Parameter<S>& weight() { return weight_; }
  /// The same, to be read only.
  const Parameter<S>& weight() const { return weight_; }
  /// Empty without a bias.
  Parameter<S>& bias() { return bias_; }
  /// The same, to be read only.
  const Parameter<S>& bias() const { return bias_; }
  /// The W that an evaluation works with: `weight`, or what a wrapper makes of it, which lies in `trace`.
  const Tensor<S>& evaluated_weight(Trace<S>& trace) const { return make_weight(trace, Mode::eval); }
  /// What an initialiser of the weight is told.
  const Fan& fan() const { return fan_; }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.push_back(&weight_);
    if (!bias_.value.empty()) state.parameters.push_back(&bias_);
  }
  /// Weights from the initialiser, biases 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    Random stream = random.stream(weight_.name);
    weights(weight_.value, fan_, stream);
    bias_.value.fill(S(0));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.output.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    multiply(x, make_weight(trace, pass.mode), trace.output, output_epilogue(trace, pass));
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    if (dx) {
      dx->resize(x.shape());
      multiply_transposed(dy, made_weight(trace), *dx,
                          {.gate = pass.slope == S(1) ? nullptr : x.data(), .gate_slope = pass.slope});
    }
    if (!pass.parameters) return;
    add_product_gradient(x, dy, weight_gradient(trace));
    finish_weight_gradient(trace);
    add_bias_gradient(dy);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    const bool biased = pass.affine && !bias_.value.empty();
    multiply(x_tangent, made_weight(trace), trace.output_tangent,
             {.bias = biased ? bias_.value.data() : nullptr, .gate = pass.gate, .gate_slope = pass.slope});
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    if (dx_tangent) {
      dx_tangent->resize(x.shape());
      if (dy_tangent)
        multiply_transposed(*dy_tangent, made_weight(trace), *dx_tangent, {});
      else
        dx_tangent->fill(S(0));
    }
    Tensor<S>& dw = weight_gradient(trace);
    add_product_gradient(*trace.input_tangent, dy, dw);
    if (dy_tangent) add_product_gradient(x, *dy_tangent, dw);
    finish_weight_gradient(trace);
    if (const Tensor<S>* db = pass.affine ? &dy : dy_tangent) add_bias_gradient(*db);
  }

  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }
  bool fuses_channel_map() const override { return true; }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 protected:
  /// A weight of that shape and, if `bias`, a bias of {out}, all zeros until they are drawn or loaded.
  Weighted(const Shape& weight, WeightAxes axes, Index out, bool bias, Fan fan)
      : weight_("weight", weight), bias_("bias", bias ? Shape{out} : Shape{0}), fan_(fan) {
    weight_.axes = axes;
  }

  /// y = epilogue(x w)
  virtual void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y,
                        const kernels::Epilogue<S>& epilogue) const = 0;
  /// dx = epilogue(dy w^T)
  virtual void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                                   const kernels::Epilogue<S>& epilogue) const = 0;
  /// dw += x^T dy
  virtual void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const = 0;

  /// The W of a forward pass, perhaps made and kept in its trace (from place `first_place` on); then the same one for
  /// the passes that follow it.
  virtual const Tensor<S>& make_weight(Trace<S>& trace, Mode mode) const {
    (void)mode;
    return made_weight(trace);
  }
  /// The W that `make_weight` made in that trace's forward pass.
  virtual const Tensor<S>& made_weight(const Trace<S>& trace) const {
    (void)trace;
    return weight_.value;
  }
  /// Where dW is added, and what is then done with it.
  virtual Tensor<S>& weight_gradient(Trace<S>& trace) {
    (void)trace;
    return weight_.grad;
  }
  /// Called when a backward pass has added dW to `weight_gradient`; a wrapper makes its own weight's gradient of it.
  virtual void finish_weight_gradient(Trace<S>& trace) { (void)trace; }
  static constexpr std::size_t first_place = 1;  ///< of Trace::saved that a derived class may use

 private:
  kernels::Epilogue<S> output_epilogue(Trace<S>& trace, const ForwardPass<S>& pass) const {
    const S *scale = pass.map.scale, *bias = bias_.value.empty() ? nullptr : bias_.value.data();
    if (scale && bias) {  // (sum + bias) * scale + shift
      Tensor<S>& both = trace.save(0, bias_.value.shape());
      both.array() =
          bias_.value.array() * ConstArrayMap<S>(scale, both.size()) + ConstArrayMap<S>(pass.map.shift, both.size());
      bias = both.data();
    } else if (scale) {
      bias = pass.map.shift;
    }
    return {.bias = bias, .slope = pass.slope, .scale = scale};
  }
  void add_bias_gradient(const Tensor<S>& dy) {
    if (!bias_.value.empty()) kernels::add_column_sums(dy.rows(), dy.cols(), dy.data(), bias_.grad.data());
  }

  Parameter<S> weight_, bias_;
  Fan fan_;
};

RIVAL_INSTANTIATE_CLASS(Weighted);

/// What a wrapper may go around: a dense layer, a convolution or a transposed one, and no other wrapper.
template <class L>
concept PlainWeighted = std::is_base_of_v<Weighted<typename L::Scalar>, L> && !L::wrapped;

}  // namespace rival
