#pragma once
// Conv1d: every output step is a weighted sum of a window of input steps.

#include <memory>
#include <string_view>

#include "rival/layers/conv2d.hpp"

namespace rival {

/// The sizes of a Conv1d.
struct Conv1dOptions {
  Index in = 0;                      ///< channels
  Index out = 0;                     ///< channels
  Index kernel = 3;                  ///< steps
  Index stride = 1;                  ///< steps of the input for one of the output
  Index padding = 0;                 ///< zeros in front
  Index padding_end = as_padding.w;  ///< zeros behind
  bool bias = true;                  ///< whether a number is learnt for each out channel and added to it
  Index groups = 1;                  ///< each out channel sees the in channels of its group only

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

/// y[n, i, :] = b + sum over taps k of x[n, i * stride - padding + k, :] W[k] for a batch x of signals {N, L, in}; W is
/// {kernel, in / groups, out}, y is {N, L', out} with L' = floor((L + padding + padding_end - kernel) / stride) + 1.
///
/// It is Conv2d over images of one row. In files W is [out, in / groups, kernel], as PyTorch's; signals are steps by
/// channels there too, so that a dense layer behind Flatten has its inputs in the order that they have here.
template <class S = float>
class Conv1d : public internal::Convolution<S> {
  using Base = internal::Convolution<S>;

 public:
  using Options = Conv1dOptions;  ///< what it is made from
  /// Throws Error for sizes that are not positive, paddings that are negative, and channels that the groups do not
  /// divide.
  explicit Conv1d(const Conv1dOptions& options) : Base("conv1d", one_row(options)), options_(options) {
    internal::drop_row(this->weight());
  }

  std::string_view kind() const override { return "conv1d"; }
  std::string_view short_name() const override { return "conv"; }
  Description describe() const override { return rival::describe("conv1d", options_); }
  /// The options that it was made with.
  const Conv1dOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    const auto& o = options_;
    require(input.rank() == 2, *this, ": expected signals length x channels, got ", input);
    require(input[1] == o.in, *this, ": expected ", o.in, " channels, got ", input[1]);
    const Index padding = o.padding + internal::padding_end(this->window()).w;
    const Index rest = internal::grown(*this, input[0], 1, padding) - o.kernel;
    require(rest >= 0, *this, ": the kernel of ", o.kernel, " is longer than the padded signal of ", rest + o.kernel);
    return {rest / o.stride + 1, o.out};
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Conv1d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static Conv2dOptions one_row(const Conv1dOptions& o) {
    auto window = internal::as_one_row<Conv2dOptions>("conv1d", o);
    window.groups = o.groups;
    return window;
  }

  Conv1dOptions options_;
};

RIVAL_INSTANTIATE_CLASS(Conv1d);

}  // namespace rival
