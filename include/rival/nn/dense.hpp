#pragma once
// Dense: every output is a weighted sum of all inputs.

#include "rival/nn/weighted.hpp"

namespace rival {

struct DenseOptions {
  Index in = 0;
  Index out = 0;
  bool bias = true;
};

/// y = x W + b for a batch x of shape {N, in}; W is {in, out}, y is {N, out}.
template <class S = float>
class Dense : public Weighted<S> {
 public:
  /// Throws Error unless both sizes are positive.
  explicit Dense(const DenseOptions& options)
      : Weighted<S>({positive("in", options.in), positive("out", options.out)}, options.out, options.bias,
                    {options.in, options.out}),
        in_(options.in),
        out_(options.out) {}

  std::string_view kind() const override { return "dense"; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == in_, *this, ": expected vectors of ", in_, ", got ", input);
    return {out_};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.output.resize({x.dim(0), out_});
    kernels::conv_output(geometry(x.dim(0)), x.data(), this->weight().value.data(), trace.output.data(),
                         this->output_epilogue(trace, pass));
    return trace.output;
  }

  /// dx = dy W^T, dW += x^T dy, db += column sums of dy.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    if (dx) {
      dx->resize(x.shape());
      kernels::conv_input_gradient(geometry(x.dim(0)), dy.data(), this->weight().value.data(), dx->data(),
                                   this->input_epilogue(trace, pass.slope));
    }
    if (pass.parameters) {
      kernels::conv_weight_gradient(geometry(x.dim(0)), x.data(), dy.data(), this->weight().grad.data());
      this->add_bias_gradient(dy);
    }
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Dense>(*this); }

 private:
  static Index positive(const char* what, Index value) {
    require(value > 0, "dense: expected a positive `", what, "`, got ", value);
    return value;
  }
  kernels::ConvGeometry geometry(Index batch) const { return {.batch = batch, .in_c = in_, .out_c = out_}; }

  Index in_, out_;
};

}  // namespace rival
