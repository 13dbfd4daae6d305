#pragma once
// Upsample: enlarges images by whole factors.

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// Where an enlarged pixel comes from: the one pixel that it lies in, or a blend of the two nearest in each
/// axis.
enum class Interpolation {
  nearest,  ///< a copy of one pixel
  bilinear  ///< of four, weighted by how near they are
};

/// "nearest" or "bilinear".
inline OptionValue option_value(Interpolation value) {
  return std::string(value == Interpolation::nearest ? "nearest" : "bilinear");
}
/// Takes either name.
inline bool read_option(const OptionValue& value, Interpolation& out) {
  const auto* name = std::get_if<std::string>(&value);
  if (!name || (*name != "nearest" && *name != "bilinear")) return false;
  out = *name == "nearest" ? Interpolation::nearest : Interpolation::bilinear;
  return true;
}

/// How an Upsample enlarges.
struct UpsampleOptions {
  Size2 factor = 2;                             ///< rows and columns of the output for one of the input
  Interpolation mode = Interpolation::nearest;  ///< how the new pixels are made

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("factor", o.factor);
    f("mode", o.mode);
  }
};

/// {N, H, W, C} becomes {N, factor.h H, factor.w W, C}.
///
/// Bilinear: the centre of output pixel o lies at (o + 1/2) / factor - 1/2 of the input, whose edges are
/// repeated outward; PyTorch's align_corners = False.
template <class S = float>
class Upsample : public Layer<S> {
 public:
  using Options = UpsampleOptions;  ///< what it is made from
  /// Throws Error unless both factors are at least 1.
  explicit Upsample(const UpsampleOptions& options = {}) : factor_(options.factor), mode_(options.mode) {
    require(factor_.h >= 1 && factor_.w >= 1, "upsample: expected factors >= 1, got ", factor_);
    internal::require_countable("upsample", "factor", factor_);
  }

  std::string_view kind() const override { return "upsample"; }
  Description describe() const override {
    return rival::describe("upsample", UpsampleOptions{.factor = factor_, .mode = mode_});
  }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return {internal::grown(*this, input[0], factor_.h), internal::grown(*this, input[1], factor_.w), input[2]};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    enlarge(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    const Index c = dy.cols();
    for_each_image(*trace.input, dy.data(), dx->data(), [=](const S* out, S* in, S weight) {
      for (Index i = 0; i < c; ++i) in[i] += weight * out[i];
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    enlarge(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Upsample>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void enlarge(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    y.fill(S(0));
    const Index c = x.cols();
    for_each_image(x, y.data(), x.data(), [=](S* out, const S* in, S weight) {
      for (Index i = 0; i < c; ++i) out[i] += weight * in[i];
    });
  }

  /// The one or two input pixels along an axis that output pixel `o` is made of.
  struct Taps {
    int count;
    std::array<Index, 2> at;
    std::array<S, 2> weight;
  };
  Taps taps(Index o, Index factor, Index extent) const {
    if (mode_ == Interpolation::nearest) return {1, {o / factor}, {S(1)}};
    const S place = std::max(S(0), (static_cast<S>(o) + S(0.5)) / static_cast<S>(factor) - S(0.5));
    const Index lower = static_cast<Index>(place);
    const S weight = place - static_cast<S>(lower);
    if (weight == S(0) || lower + 1 == extent) return {1, {lower}, {S(1)}};
    return {2, {lower, lower + 1}, {S(1) - weight, weight}};
  }

  /// Calls visit(output pixel, input pixel, weight) for all pairs that belong together; an image is one
  /// task's.
  template <class Out, class In, class Visit>
  void for_each_image(const Tensor<S>& input, Out* output_data, In* input_data, const Visit& visit) const {
    const Index h = input.dim(1), w = input.dim(2), c = input.dim(3);
    const Index out_h = factor_.h * h, out_w = factor_.w * w;
    parallel_for(input.dim(0), 2.0 * static_cast<double>(input.size() * factor_.area()), [&](Index n) {
      Out* out = output_data + n * out_h * out_w * c;
      In* in = input_data + n * h * w * c;
      for (Index y = 0; y < out_h; ++y) {
        const Taps rows = taps(y, factor_.h, h);
        for (Index x = 0; x < out_w; ++x, out += c) {
          const Taps columns = taps(x, factor_.w, w);
          for (std::size_t i = 0; i < static_cast<std::size_t>(rows.count); ++i)
            for (std::size_t j = 0; j < static_cast<std::size_t>(columns.count); ++j)
              visit(out, in + (rows.at[i] * w + columns.at[j]) * c, rows.weight[i] * columns.weight[j]);
        }
      }
    });
  }

  Size2 factor_;
  Interpolation mode_;
};

RIVAL_INSTANTIATE_CLASS(Upsample);

}  // namespace rival
