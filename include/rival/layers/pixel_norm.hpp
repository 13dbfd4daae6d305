#pragma once
// PixelNorm: the channels of each pixel to a mean square of 1.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// The number that keeps a PixelNorm from dividing by 0.
struct PixelNormOptions {
  double epsilon = 1e-8;  ///< added to the mean square

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("epsilon", o.epsilon);
  }
};

/// y = r x with r = 1 / sqrt(`<x^2>` + epsilon), where `<z>` is the mean of z over the channels of one pixel, or over
/// the features of a vector (Karras, Aila, Laine and Lehtinen, 2018). It has no parameters.
///
///     backward:          dx = r (dy - y <dy y>)
///     forward_tangent:   y' = r (x' - y q) with q = <x' y>, as r' = -r^2 q
///     backward_tangent:  dx' = -r q dx + r (dy' - y' <dy y> - y (<dy' y> + <dy y'>))
template <class S = float>
class PixelNorm : public Layer<S> {
 public:
  using Options = PixelNormOptions;  ///< what it is made from
  /// Throws Error unless epsilon > 0.
  explicit PixelNorm(const PixelNormOptions& options = {})
      : options_(options), epsilon_(static_cast<S>(options.epsilon)) {
    require(epsilon_ > S(0), "pixel_norm: expected a positive `epsilon`, got ", options.epsilon);
  }

  std::string_view kind() const override { return "pixel_norm"; }
  Description describe() const override { return rival::describe("pixel_norm", options_); }
  std::string_view short_name() const override { return "pn"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() > 0, *this, ": expected vectors or images with channels, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.output.resize(x.shape());
    Tensor<S>& inverse = trace.save(0, {x.rows()});
    for_each_pixel(x, [&](Index p) {
      const auto x_p = pixel(x, p);
      inverse[p] = S(1) / std::sqrt(x_p.square().mean() + epsilon_);
      pixel(trace.output, p) = inverse[p] * x_p;
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    for_each_pixel(dy, [&](Index p) {
      project(trace, p, dy, *dx);
      if (pass.slope == S(1)) return;
      auto dx_p = pixel(*dx, p);
      dx_p = (pixel(*trace.input, p) > S(0)).select(dx_p, pass.slope * dx_p);
    });
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    for_each_pixel(x_tangent, [&](Index p) { project(trace, p, x_tangent, trace.output_tangent); });
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    for_each_pixel(dy, [&](Index p) {
      const S r = trace.saved[0][p];
      const auto y = pixel(trace.output, p), y_tangent = pixel(trace.output_tangent, p);
      const auto dy_p = pixel(dy, p);
      const S q = (pixel(*trace.input_tangent, p) * y).mean(), a = (dy_p * y).mean();
      const S b = (dy_p * y_tangent).mean() + (dy_tangent ? (pixel(*dy_tangent, p) * y).mean() : S(0));
      auto to = pixel(*dx_tangent, p);
      to = (-r * r * q) * dy_p + (r * r * q * a - r * b) * y - (r * a) * y_tangent;
      if (dy_tangent) to += r * pixel(*dy_tangent, p);
    });
  }

  bool gates_input() const override { return true; }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<PixelNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static ArrayMap<S> pixel(Tensor<S>& x, Index p) { return {x.data() + p * x.cols(), x.cols()}; }
  static ConstArrayMap<S> pixel(const Tensor<S>& x, Index p) { return {x.data() + p * x.cols(), x.cols()}; }

  template <class Body>
  static void for_each_pixel(const Tensor<S>& x, const Body& body) {
    constexpr Index block = 4096;  // values
    parallel_blocks(x.rows(), std::max<Index>(1, block / x.cols()), static_cast<double>(x.size()) / 2,
                    [&](Index first, Index last) {
                      for (Index p = first; p < last; ++p) body(p);
                    });
  }

  /// to = r (v - y <v y>): the derivative along v, and, being symmetric, the gradient too.
  static void project(const Trace<S>& trace, Index p, const Tensor<S>& v, Tensor<S>& to) {
    const S r = trace.saved[0][p];
    const auto y = pixel(trace.output, p), v_p = pixel(v, p);
    pixel(to, p) = r * v_p - (r * (v_p * y).mean()) * y;
  }

  PixelNormOptions options_;
  S epsilon_;
};

RIVAL_INSTANTIATE_CLASS(PixelNorm);

}  // namespace rival
