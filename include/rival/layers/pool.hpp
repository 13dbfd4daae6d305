#pragma once
// Pooling: the average or the maximum of each window of an image, channel by channel.

#include <algorithm>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// The windows of an AvgPool2d.
struct AvgPoolOptions {
  Size2 kernel = 2;               ///< rows and columns
  Size2 stride = kernel;          ///< rows and columns from one window to the next
  Size2 padding = 0;              ///< at most half of the kernel
  bool count_include_pad = true;  ///< divide by the whole window, padding too; otherwise by the pixels in it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
    f("count_include_pad", o.count_include_pad);
  }
};

/// The windows of a MaxPool2d.
struct MaxPoolOptions {
  Size2 kernel = 2;       ///< rows and columns
  Size2 stride = kernel;  ///< rows and columns from one window to the next
  Size2 padding = 0;      ///< at most half of the kernel; never the maximum

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("kernel", o.kernel);
    f("stride", o.stride);
    f("padding", o.padding);
  }
};

namespace internal {

/// What the two kinds of pooling share: the windows of an image.
template <class S>
class Pool : public Layer<S> {
 public:
  Pool(std::string_view kind, Size2 kernel, Size2 stride, Size2 padding)
      : kind_(kind), kernel_(kernel), stride_(stride), padding_(padding) {
    require(kernel.h >= 1 && kernel.w >= 1, kind, ": expected a kernel of at least 1x1, got ", kernel);
    require(stride.h >= 1 && stride.w >= 1, kind, ": expected a stride of at least 1x1, got ", stride);
    require_countable(kind, "kernel", kernel);
    require_countable(kind, "stride", stride);
    require_countable(kind, "padding", padding);
    // Then every window holds a pixel.
    require(padding.h >= 0 && padding.w >= 0 && 2 * padding.h <= kernel.h && 2 * padding.w <= kernel.w, kind,
            ": expected padding from 0 to half of the kernel ", kernel, ", got ", padding);
  }

  std::string_view kind() const override { return kind_; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    const Index h = grown(*this, input[0], 1, 2 * padding_.h), w = grown(*this, input[1], 1, 2 * padding_.w);
    require(h >= kernel_.h && w >= kernel_.w, *this, ": a kernel of ", kernel_, " does not fit into images of ", input,
            " with padding ", padding_);
    return {(h - kernel_.h) / stride_.h + 1, (w - kernel_.w) / stride_.w + 1, input[2]};
  }

 protected:
  Size2 kernel() const { return kernel_; }

  /// For each pixel of each window calls visit(o, i, tap, taps): output pixel o takes input pixel i, which is
  /// number `tap` of the `taps` pixels that lie in the window. An image is one task's, its windows go row by
  /// row.
  template <class Visit>
  void for_each_window(const Shape& input, const Shape& output, const Visit& visit) const {
    const Index h = input[1], w = input[2], out_h = output[1], out_w = output[2];
    parallel_for(input[0], static_cast<double>(output.size()) * static_cast<double>(kernel_.area()), [&](Index n) {
      Index o = n * out_h * out_w;
      for (Index y = 0; y < out_h; ++y) {
        const Index top = y * stride_.h - padding_.h, y0 = std::max<Index>(top, 0), y1 = std::min(top + kernel_.h, h);
        for (Index x = 0; x < out_w; ++x, ++o) {
          const Index left = x * stride_.w - padding_.w, x0 = std::max<Index>(left, 0),
                      x1 = std::min(left + kernel_.w, w);
          Index tap = 0;
          for (Index i = y0; i < y1; ++i)
            for (Index j = x0; j < x1; ++j) visit(o, (n * h + i) * w + j, tap++, (y1 - y0) * (x1 - x0));
        }
      }
    });
  }

 private:
  std::string_view kind_;
  Size2 kernel_, stride_, padding_;
};

}  // namespace internal

/// The average of each window: {N, H, W, C} becomes {N, (H + 2 padding - kernel) / stride + 1, ..., C},
/// rounded down.
template <class S = float>
class AvgPool2d : public internal::Pool<S> {
 public:
  using Options = AvgPoolOptions;  ///< what it is made from
  /// Throws Error for a kernel or stride below 1, or padding beyond half of the kernel.
  explicit AvgPool2d(const AvgPoolOptions& options = {})
      : internal::Pool<S>("avg_pool2d", options.kernel, options.stride, options.padding),
        options_(options),
        count_include_pad_(options.count_include_pad) {}

  std::string_view short_name() const override { return "pool"; }
  Description describe() const override { return rival::describe("avg_pool2d", options_); }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    average(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    const Index channels = dy.cols();
    this->for_each_window(dx->shape(), dy.shape(), [&](Index o, Index i, Index, Index taps) {
      const S weight = share(taps);
      for (Index c = 0; c < channels; ++c) dx->data()[i * channels + c] += weight * dy.data()[o * channels + c];
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    average(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<AvgPool2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void average(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    y.fill(S(0));
    const Index channels = x.cols();
    this->for_each_window(x.shape(), y.shape(), [&](Index o, Index i, Index, Index taps) {
      const S weight = share(taps);
      for (Index c = 0; c < channels; ++c) y.data()[o * channels + c] += weight * x.data()[i * channels + c];
    });
  }
  S share(Index taps) const { return S(1) / static_cast<S>(count_include_pad_ ? this->kernel().area() : taps); }

  AvgPoolOptions options_;
  bool count_include_pad_;
};

/// The maximum of each window; of equal pixels the first, row by row, takes the gradient. Shapes as
/// AvgPool2d's.
template <class S = float>
class MaxPool2d : public internal::Pool<S> {
 public:
  using Options = MaxPoolOptions;  ///< what it is made from
  /// Throws Error for a kernel or stride below 1, or padding beyond half of the kernel.
  explicit MaxPool2d(const MaxPoolOptions& options = {})
      : internal::Pool<S>("max_pool2d", options.kernel, options.stride, options.padding), options_(options) {}

  std::string_view short_name() const override { return "pool"; }
  Description describe() const override { return rival::describe("max_pool2d", options_); }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    Tensor<S>& y = trace.output;
    y.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    Tensor<S>& winner = trace.save(0, y.shape());  // the number of the maximal pixel in its window
    const Index channels = x.cols();
    this->for_each_window(x.shape(), y.shape(), [&](Index o, Index i, Index tap, Index) {
      for (Index c = 0; c < channels; ++c) {
        const S value = x.data()[i * channels + c];
        S& best = y.data()[o * channels + c];
        if (tap == 0 || value > best || value != value) {  // NaN wins, and stays
          best = value;
          winner.data()[o * channels + c] = static_cast<S>(tap);
        }
      }
    });
    return y;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    const Tensor<S>& winner = trace.saved[0];
    const Index channels = dy.cols();
    this->for_each_window(dx->shape(), dy.shape(), [&](Index o, Index i, Index tap, Index) {
      for (Index c = 0; c < channels; ++c)
        if (winner.data()[o * channels + c] == static_cast<S>(tap))
          dx->data()[i * channels + c] += dy.data()[o * channels + c];
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    take_winners(x_tangent, trace.saved[0], trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<MaxPool2d>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  /// y[o] is the element of x at the place where the maximum was.
  void take_winners(const Tensor<S>& x, const Tensor<S>& winner, Tensor<S>& y) const {
    y.resize(winner.shape());
    const Index channels = x.cols();
    this->for_each_window(x.shape(), y.shape(), [&](Index o, Index i, Index tap, Index) {
      for (Index c = 0; c < channels; ++c)
        if (winner.data()[o * channels + c] == static_cast<S>(tap))
          y.data()[o * channels + c] = x.data()[i * channels + c];
    });
  }

 private:
  MaxPoolOptions options_;
};

RIVAL_INSTANTIATE_CLASS(internal::Pool);
RIVAL_INSTANTIATE_CLASS(AvgPool2d);
RIVAL_INSTANTIATE_CLASS(MaxPool2d);

}  // namespace rival
