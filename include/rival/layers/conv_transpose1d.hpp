#pragma once
// ConvTranspose1d: every input step paints a weighted window of output steps.

#include <memory>
#include <string_view>

#include "rival/layers/conv_transpose2d.hpp"

namespace rival {

/// The sizes of a ConvTranspose1d.
struct ConvTranspose1dOptions {
  Index in = 0;                      ///< channels
  Index out = 0;                     ///< channels
  Index kernel = 3;                  ///< steps
  Index stride = 1;                  ///< steps of the output for one of the input
  Index padding = 0;                 ///< steps cropped in front
  Index padding_end = as_padding.w;  ///< steps cropped behind
  Index output_padding = 0;          ///< steps added behind
  bool bias = true;                  ///< whether a number is learnt for each out channel and added to it

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

/// The transpose of a convolution's linear map: y[n, i * stride - padding + k, :] += x[n, i, :] W[k], over all steps
/// and taps, onto b, for a batch x of signals {N, L, in}; W is {kernel, in, out}, y is {N, L', out} with
/// L' = (L - 1) * stride + kernel - padding - padding_end + output_padding.
///
/// It is ConvTranspose2d over images of one row. In files W is [in, out, kernel], as PyTorch's.
template <class S = float>
class ConvTranspose1d : public internal::TransposedConvolution<S> {
  using Base = internal::TransposedConvolution<S>;

 public:
  using Options = ConvTranspose1dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and output padding that is not smaller
  /// than the stride.
  explicit ConvTranspose1d(const ConvTranspose1dOptions& options)
      : Base("conv_transpose1d", internal::as_one_row<ConvTranspose2dOptions>("conv_transpose1d", options)),
        options_(options) {
    require(options.output_padding >= 0 && options.output_padding < options.stride,
            "conv_transpose1d: expected 0 <= output_padding < stride ", options.stride, ", got ",
            options.output_padding);
    internal::drop_row(this->weight());
  }

  std::string_view kind() const override { return "conv_transpose1d"; }
  std::string_view short_name() const override { return "convT"; }
  Description describe() const override { return rival::describe("conv_transpose1d", options_); }
  /// The options that it was made with.
  const ConvTranspose1dOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options_;
    require(input.rank() == 2, *this, ": expected signals length x channels, got ", input);
    require(input[1] == o.in, *this, ": expected ", o.in, " channels, got ", input[1]);
    const Index end = internal::padding_end(this->window()).w;
    const Index length = internal::grown(*this, input[0] - 1, o.stride, o.kernel - o.padding - end + o.output_padding);
    require(length > 0, *this, ": the padding leaves nothing of a signal of ", input[0]);
    return {length, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ConvTranspose1d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  ConvTranspose1dOptions options_;
};

RIVAL_INSTANTIATE_CLASS(ConvTranspose1d);

}  // namespace rival
