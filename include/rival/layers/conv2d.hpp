#pragma once
// Conv2d: every output pixel is a weighted sum of a window of input pixels.

#include <string_view>

#include "rival/kernels/convolution/grouped.hpp"
#include "rival/layers/weighted.hpp"

namespace rival {

/// The sizes of a Conv2d.
struct Conv2dOptions {
  Index in = 0;                    ///< channels
  Index out = 0;                   ///< channels
  Size2 kernel = 3;                ///< rows and columns
  Size2 stride = 1;                ///< rows and columns of the input for one of the output
  Size2 padding = 0;               ///< zeros above and to the left
  Size2 padding_end = as_padding;  ///< zeros below and to the right
  bool bias = true;                ///< whether a number is learnt for each out channel and added to it
  Index groups =
      1;  ///< each out channel sees the in channels of its group only; `in` of them are a depthwise convolution

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("padding_end", o.padding_end);
    f("bias", o.bias);
    f("groups", o.groups);
  }
};

namespace internal {

/// The three products of a convolution. Its samples are images {H, W, in} or signals {L, in}, which are images of one
/// row.
template <class S>
class Convolution : public Weighted<S> {
 protected:
  using Epilogue = kernels::Epilogue<S>;

  /// `window` is that of the images. Throws Error, beginning with `kind`, for options that make no weight.
  Convolution(std::string_view kind, const Conv2dOptions& window)
      : Weighted<S>(weight_shape(kind, window), WeightAxes::convolution, window.out, window.bias,
                    weight_fan(kind, window)),
        window_(window) {}

  const Conv2dOptions& window() const { return window_; }

  /// y: each tap reads its pixel; dx: each tap's gradient back to where it read; dW: per tap, sum over pixels of x
  /// outer dy.
  void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y, const Epilogue& epilogue) const override {
    const kernels::ConvGeometry g = geometry(x.shape(), y.shape());
    if (window_.groups == 1)
      kernels::conv_output(g, x.data(), w.data(), y.data(), epilogue);
    else
      kernels::grouped_output(g, window_.groups, x.data(), w.data(), y.data(), epilogue);
  }
  void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                           const Epilogue& epilogue) const override {
    const kernels::ConvGeometry g = geometry(dx.shape(), dy.shape());
    if (window_.groups == 1)
      kernels::conv_input_gradient(g, dy.data(), w.data(), dx.data(), epilogue);
    else
      kernels::grouped_input_gradient(g, window_.groups, dy.data(), w.data(), dx.data(), epilogue);
  }
  void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const override {
    const kernels::ConvGeometry g = geometry(x.shape(), dy.shape());
    if (window_.groups == 1)
      kernels::conv_weight_gradient(g, x.data(), dy.data(), dw.data());
    else
      kernels::grouped_weight_gradient(g, window_.groups, x.data(), dy.data(), dw.data());
  }

 private:
  static Shape weight_shape(std::string_view kind, const Conv2dOptions& o) {
    const Shape whole = window_shape(kind, o);
    require(o.groups > 0 && o.in % o.groups == 0 && o.out % o.groups == 0, kind, ": expected groups that divide in ",
            o.in, " and out ", o.out, ", got ", o.groups);
    return whole.with(2, o.in / o.groups);
  }
  static Fan weight_fan(std::string_view kind, const Conv2dOptions& o) {
    const Shape w = weight_shape(kind, o);
    return {o.kernel.area() * w[2], o.kernel.area() * (o.out / o.groups)};
  }
  kernels::ConvGeometry geometry(const Shape& x, const Shape& y) const {
    const auto& o = window_;
    const bool images = x.rank() == 4;
    return {.batch = x[0],
            .in_h = images ? x[1] : 1,
            .in_w = x[x.rank() - 2],
            .in_c = x.back(),
            .out_h = images ? y[1] : 1,
            .out_w = y[y.rank() - 2],
            .out_c = y.back(),
            .kernel_h = o.kernel.h,
            .kernel_w = o.kernel.w,
            .stride_h = o.stride.h,
            .stride_w = o.stride.w,
            .pad_h = o.padding.h,
            .pad_w = o.padding.w};
  }

  Conv2dOptions window_;
};

}  // namespace internal

/// y[n, i, j, :] = b + sum over taps (k, l) of x[n, i * stride.h - padding.h + k, j * stride.w - padding.w + l, :] W[k,
/// l] for a batch x of shape {N, H, W, in}; W is {kernel.h, kernel.w, in, out}, y is {N, H', W', out} with H' =
/// floor((H + padding.h + padding_end.h - kernel.h) / stride.h) + 1 and W' alike.
///
/// With groups, W is {kernel.h, kernel.w, in / groups, out}: both sides' channels are cut into as many pieces of equal
/// size, and a piece of y is made of the same piece of x.
template <class S = float>
class Conv2d : public internal::Convolution<S> {
  using Base = internal::Convolution<S>;

 public:
  using Options = Conv2dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and channels that the groups do not
  /// divide.
  explicit Conv2d(const Conv2dOptions& options) : Base("conv2d", options) {}

  std::string_view kind() const override { return "conv2d"; }
  std::string_view short_name() const override { return "conv"; }
  Description describe() const override { return rival::describe("conv2d", options()); }
  /// The options that it was made with.
  const Conv2dOptions& options() const { return this->window(); }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options();
    require(input.rank() == 3, *this, ": expected images height x width x channels, got ", input);
    require(input[2] == o.in, *this, ": expected ", o.in, " channels, got ", input[2]);
    const Size2 end = internal::padding_end(o);
    const Index h = internal::grown(*this, input[0], 1, o.padding.h + end.h) - o.kernel.h,
                w = internal::grown(*this, input[1], 1, o.padding.w + end.w) - o.kernel.w;
    require(h >= 0 && w >= 0, *this, ": the kernel of ", o.kernel.h, "x", o.kernel.w,
            " is larger than the padded image of ", h + o.kernel.h, "x", w + o.kernel.w);
    return {h / o.stride.h + 1, w / o.stride.w + 1, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Conv2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::Convolution);
RIVAL_INSTANTIATE_CLASS(Conv2d);

}  // namespace rival
