#pragma once
// ConvTranspose2d: every input pixel paints a weighted window of output pixels.

#include <algorithm>
#include <memory>
#include <string_view>

#include "rival/layers/weighted.hpp"

namespace rival {

/// The sizes of a ConvTranspose2d.
struct ConvTranspose2dOptions {
  Index in = 0;                    ///< channels
  Index out = 0;                   ///< channels
  Size2 kernel = 3;                ///< rows and columns
  Size2 stride = 1;                ///< rows and columns of the output for one of the input
  Size2 padding = 0;               ///< rows and columns cropped above and to the left
  Size2 padding_end = as_padding;  ///< cropped below and to the right
  Size2 output_padding = 0;        ///< rows and columns added below and to the right
  bool bias = true;                ///< whether a number is learnt for each out channel and added to it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("out", o.out);
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("padding_end", o.padding_end);
    f("output_padding", o.output_padding);
    f("bias", o.bias);
  }
};

namespace internal {

/// The three products of a transposed convolution. Its samples are images {H, W, in} or signals {L, in}, which are
/// images of one row.
template <class S>
class TransposedConvolution : public Weighted<S> {
 protected:
  using Epilogue = kernels::Epilogue<S>;

  /// `window` is that of the images. Throws Error, beginning with `kind`, for options that make no weight.
  TransposedConvolution(std::string_view kind, const ConvTranspose2dOptions& window)
      : Weighted<S>(window_shape(kind, window), WeightAxes::transposed_convolution, window.out, window.bias,
                    weight_fan(kind, window)),
        window_(window) {}

  const ConvTranspose2dOptions& window() const { return window_; }

  /// Of the convolution from y's size to x's: its input gradient, its output pass on dy, its weight gradient with dy as
  /// input.
  void multiply(const Tensor<S>& x, const Tensor<S>& w, Tensor<S>& y, const Epilogue& epilogue) const override {
    kernels::conv_input_gradient(geometry(x.shape(), y.shape()), x.data(), w.data(), y.data(), epilogue);
  }
  void multiply_transposed(const Tensor<S>& dy, const Tensor<S>& w, Tensor<S>& dx,
                           const Epilogue& epilogue) const override {
    kernels::conv_output(geometry(dx.shape(), dy.shape()), dy.data(), w.data(), dx.data(), epilogue);
  }
  void add_product_gradient(const Tensor<S>& x, const Tensor<S>& dy, Tensor<S>& dw) const override {
    kernels::conv_weight_gradient(geometry(x.shape(), dy.shape()), dy.data(), x.data(), dw.data());
  }

 private:
  /// An output pixel is reached by one tap in stride x stride.
  static Fan weight_fan(std::string_view kind, const ConvTranspose2dOptions& o) {
    window_shape(kind, o);  // which throws before anything is multiplied, whichever argument is made first
    return {std::max<Index>(1, o.in * o.kernel.area() / o.stride.area()), o.out * o.kernel.area()};
  }
  kernels::ConvGeometry geometry(const Shape& x, const Shape& y) const {
    const auto& o = window_;
    const bool images = x.rank() == 4;
    return {.batch = x[0],
            .in_h = images ? y[1] : 1,
            .in_w = y[y.rank() - 2],
            .in_c = y.back(),
            .out_h = images ? x[1] : 1,
            .out_w = x[x.rank() - 2],
            .out_c = x.back(),
            .kernel_h = o.kernel.h,
            .kernel_w = o.kernel.w,
            .stride_h = o.stride.h,
            .stride_w = o.stride.w,
            .pad_h = o.padding.h,
            .pad_w = o.padding.w,
            .out_major = true};
  }

  ConvTranspose2dOptions window_;
};

}  // namespace internal

/// The transpose of a convolution's linear map:
/// y[n, i * stride.h - padding.h + k, j * stride.w - padding.w + l, :] += x[n, i, j, :] W[k, l], over all pixels and
/// taps, onto b, for a batch x of shape {N, H, W, in}; W is {kernel.h, kernel.w, in, out}, y is {N, H', W', out} with
/// H' = (H - 1) * stride.h + kernel.h - padding.h - padding_end.h + output_padding.h and W' alike.
template <class S = float>
class ConvTranspose2d : public internal::TransposedConvolution<S> {
  using Base = internal::TransposedConvolution<S>;

 public:
  using Options = ConvTranspose2dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and output padding that is not smaller
  /// than the stride.
  explicit ConvTranspose2d(const ConvTranspose2dOptions& options) : Base("conv_transpose2d", options) {
    require(options.output_padding.h >= 0 && options.output_padding.w >= 0 &&
                options.output_padding.h < options.stride.h && options.output_padding.w < options.stride.w,
            "conv_transpose2d: expected 0 <= output_padding < stride ", options.stride, ", got ",
            options.output_padding);
  }

  std::string_view kind() const override { return "conv_transpose2d"; }
  std::string_view short_name() const override { return "convT"; }
  Description describe() const override { return rival::describe("conv_transpose2d", options()); }
  /// The options that it was made with.
  const ConvTranspose2dOptions& options() const { return this->window(); }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options();
    require(input.rank() == 3, *this, ": expected images height x width x channels, got ", input);
    require(input[2] == o.in, *this, ": expected ", o.in, " channels, got ", input[2]);
    const Size2 end = internal::padding_end(o);
    const Index h = internal::grown(*this, input[0] - 1, o.stride.h,
                                    o.kernel.h - o.padding.h - end.h + o.output_padding.h),
                w = internal::grown(*this, input[1] - 1, o.stride.w,
                                    o.kernel.w - o.padding.w - end.w + o.output_padding.w);
    require(h > 0 && w > 0, *this, ": the padding leaves nothing of an image of ", input[0], "x", input[1]);
    return {h, w, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConvTranspose2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(internal::TransposedConvolution);
RIVAL_INSTANTIATE_CLASS(ConvTranspose2d);

}  // namespace rival
