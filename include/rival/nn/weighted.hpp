#pragma once
// Weighted: what dense, convolution and transposed convolution share, a kernel and a bias.

#include <string>

#include "rival/kernels/convolution.hpp"
#include "rival/kernels/reduce.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

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
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 protected:
  Weighted(const Shape& weight, Index out, bool bias, Fan fan)
      : weight_("weight", weight), bias_("bias", bias ? Shape{out} : Shape{0}), fan_(fan) {}

  kernels::Epilogue<S> output_epilogue(S slope) const {
    return {.bias = bias_.value.empty() ? nullptr : bias_.value.data(), .slope = slope};
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
