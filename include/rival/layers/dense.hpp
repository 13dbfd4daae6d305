#pragma once
// Dense: every output is a weighted sum of all inputs.

#include "rival/layers/weighted.hpp"

namespace rival {

/// The sizes of a Dense layer.
struct DenseOptions {
  Index in = 0;      ///< numbers in a sample
  Index out = 0;     ///< numbers in its output
  bool bias = true;  ///< whether b is learnt; if not, it is 0

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("bias", o.bias);
  }
};

/// y = x W + b for a batch x of shape {N, in}; W is {in, out}, y is {N, out}.
template <class S = float>
class Dense : public Weighted<S> {
 public:
  using Options = DenseOptions;  ///< what it is made from
  /// Throws Error unless both sizes are positive.
  explicit Dense(const DenseOptions& options)
      : Weighted<S>({positive("in", options.in), positive("out", options.out)}, WeightAxes::dense, options.out,
                    options.bias, {options.in, options.out}),
        in_(options.in),
        out_(options.out) {}

  std::string_view kind() const override { return "dense"; }
  Description describe() const override {
    return rival::describe("dense", DenseOptions{.in = in_, .out = out_, .bias = !this->bias().value.empty()});
  }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == in_, *this, ": expected vectors of ", in_, ", got ", input);
    return {out_};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Dense>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  using Epilogue = kernels::Epilogue<S>;  ///< what a product does to an output as it writes it
  void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y, const Epilogue& epilogue) const override {
    kernels::conv_output(geometry(x), x.data(), w.data(), y.data(), epilogue);
  }
  void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                           const Epilogue& epilogue) const override {
    kernels::conv_input_gradient(geometry(dy), dy.data(), w.data(), dx.data(), epilogue);
  }
  void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const override {
    kernels::conv_weight_gradient(geometry(x), x.data(), dy.data(), dw.data());
  }

 private:
  static Index positive(const char* what, Index value) {
    require(value > 0, "dense: expected a positive `", what, "`, got ", value);
    return value;
  }
  kernels::ConvGeometry geometry(const Tensor<S>& batch) const {
    return {.batch = batch.dim(0), .in_c = in_, .out_c = out_};
  }

  Index in_, out_;
};

RIVAL_INSTANTIATE_CLASS(Dense);

}  // namespace rival
