#pragma once
// Weighted: what dense, convolution and transposed convolution share, a kernel and a bias.

#include <string>

#include "rival/kernels/convolution.hpp"
#include "rival/kernels/reduce.hpp"
#include "rival/nn/layer.hpp"
#include "rival/nn/size2.hpp"

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
  require(o.padding.h >= 0 && o.padding.w >= 0 && end.h >= 0 && end.w >= 0, kind, ": expected padding >= 0, got ",
          o.padding, " and ", end);
  return {o.kernel.h, o.kernel.w, o.in, o.out};
}

}  // namespace internal

/// A layer that is linear in `weight`, which is stored [kernel_h, kernel_w, in, out] ([in, out] for a dense layer), plus a
/// bias for each output channel, if there is one.
template <class S>
class Weighted : public Layer<S> {
 public:
  Parameter<S>& weight() { return weight_; }
  const Parameter<S>& weight() const { return weight_; }
  /// Empty without a bias.
  Parameter<S>& bias() { return bias_; }
  const Parameter<S>& bias() const { return bias_; }

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
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }
  bool fuses_channel_map() const override { return true; }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 protected:
  Weighted(const Shape& weight, Index out, bool bias, Fan fan)
      : weight_("weight", weight), bias_("bias", bias ? Shape{out} : Shape{0}), fan_(fan) {}

  kernels::Epilogue<S> output_epilogue(Trace<S>& trace, const ForwardPass<S>& pass) const {
    const S *scale = pass.map.scale, *bias = bias_.value.empty() ? nullptr : bias_.value.data();
    if (scale && bias) {  // (sum + bias) * scale + shift
      Tensor<S>& both = trace.save(0, bias_.value.shape());
      both.array() = bias_.value.array() * ConstArrayMap<S>(scale, both.size()) + ConstArrayMap<S>(pass.map.shift, both.size());
      bias = both.data();
    } else if (scale) {
      bias = pass.map.shift;
    }
    return {.bias = bias, .slope = pass.slope, .scale = scale};
  }
  static kernels::Epilogue<S> input_epilogue(const Trace<S>& trace, S slope) {
    return {.gate = slope == S(1) ? nullptr : trace.input->data(), .gate_slope = slope};
  }
  void add_bias_gradient(const Tensor<S>& dy) {
    if (!bias_.value.empty()) kernels::add_column_sums(dy.rows(), dy.cols(), dy.data(), bias_.grad.data());
  }

 private:
  Parameter<S> weight_, bias_;
  Fan fan_;
};

}  // namespace rival
