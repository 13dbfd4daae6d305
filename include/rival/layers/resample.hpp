#pragma once
// BlurUpsample and BlurDownsample: images of twice and half the size, filtered.

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

namespace internal {

/// The pixels along one axis that a pixel is a weighted sum of.
template <class S>
struct FilterTaps {
  Index count = 0;
  std::array<Index, 3> at{};
  std::array<S, 3> weight{};

  /// Pixels outside of the image are zeros.
  void add(Index place, Index extent, S w) {
    if (place < 0 || place >= extent) return;
    at[static_cast<std::size_t>(count)] = place;
    weight[static_cast<std::size_t>(count++)] = w;
  }
};

/// Filters with a (1, 2, 1) along both axes. `halve` moves the filter by two pixels from each output pixel to the next,
/// and `spread`, its transpose, paints one for each input pixel:
///
///     halve:   y[i] = a (x[2i + s - 1] + 2 x[2i + s] + x[2i + s + 1])
///     spread:  y[2i + s + k] += a (2 - |k|) x[i],  |k| <= 1
template <class S>
class Filter121 {
 public:
  Filter121(S a, Index shift) : a_(a), shift_(shift) {}

  void halve(const Tensor<S>& x, Tensor<S>& y) const {
    filter(x, y, [this](Index o, Index extent) {
      FilterTaps<S> taps;
      for (Index k = -1; k <= 1; ++k) taps.add(2 * o + shift_ + k, extent, k == 0 ? S(2) * a_ : a_);
      return taps;
    });
  }
  void spread(const Tensor<S>& x, Tensor<S>& y) const {
    filter(x, y, [this](Index o, Index extent) {
      FilterTaps<S> taps;
      const Index from = o - shift_;  // -1 at least
      if (from % 2 == 0) {
        taps.add(from / 2, extent, S(2) * a_);
      } else {
        taps.add((from + 1) / 2 - 1, extent, a_);
        taps.add((from + 1) / 2, extent, a_);
      }
      return taps;
    });
  }

 private:
  /// One axis after the other, row by row; an image is one task's.
  template <class TapsOf>
  void filter(const Tensor<S>& x, Tensor<S>& y, const TapsOf& taps_of) const {
    const Index h = x.dim(1), w = x.dim(2), c = x.dim(3), out_h = y.dim(1), out_w = y.dim(2);
    const TaskScratch<S> scratch(w * c);
    parallel_for(x.dim(0), 3.0 * static_cast<double>(x.size() + y.size()), [&](Index n, Index worker) {
      S* row = scratch.of(worker);
      const S* image = x.data() + n * h * w * c;
      S* out = y.data() + n * out_h * out_w * c;
      for (Index i = 0; i < out_h; ++i) {
        add_up(taps_of(i, h), image, w * c, row);
        for (Index j = 0; j < out_w; ++j, out += c) add_up(taps_of(j, w), row, c, out);
      }
    });
  }

  /// out = the weighted sum of the pieces of `size` at the taps.
  static void add_up(const FilterTaps<S>& taps, const S* pieces, Index size, S* out) {
    const auto piece = [&](std::size_t k) { return pieces + taps.at[k] * size; };
    const auto& w = taps.weight;
    switch (taps.count) {
      case 0:
        std::fill(out, out + size, S(0));
        break;
      case 1:
        sum(size, out, [w, p = piece(0)](Index i) { return w[0] * p[i]; });
        break;
      case 2:
        sum(size, out, [w, p = piece(0), q = piece(1)](Index i) { return w[0] * p[i] + w[1] * q[i]; });
        break;
      default:
        sum(size, out,
            [w, p = piece(0), q = piece(1), r = piece(2)](Index i) { return w[0] * p[i] + w[1] * q[i] + w[2] * r[i]; });
    }
  }
  template <class Element>
  static void sum(Index size, S* out, const Element& element) {
    for (Index i = 0; i < size; ++i) out[i] = element(i);
  }

  S a_;
  Index shift_;
};

/// A layer that is a linear map of its input without parameters: a kind says how it and its transpose are computed.
template <class S>
class BlurResample : public Layer<S> {
 public:
  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(this->output_shape(x.shape().sample()).batch(x.dim(0)));
    apply(x, trace.output);
    return trace.output;
  }
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    apply_transposed(dy, *dx);
  }

  Curvature curvature() const override { return Curvature::linear; }
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(trace.output.shape());
    apply(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }
  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

 protected:
  virtual void apply(const Tensor<S>& x, Tensor<S>& y) const = 0;
  virtual void apply_transposed(const Tensor<S>& dy, Tensor<S>& dx) const = 0;
};

}  // namespace internal

/// {N, H, W, C} becomes {N, 2 H, 2 W, C}: zeros between the pixels, then the filter (1, 2, 1) x (1, 2, 1) / 16 times 4,
/// so that along each axis y[2i] = (x[i - 1] + x[i]) / 2 and y[2i + 1] = x[i], with zeros outside of the image. That is
/// upfirdn2d as StyleGAN2 and R3GAN pad it (Karras et al., 2020; Huang et al., 2024).
template <class S = float>
class BlurUpsample : public internal::BlurResample<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "blur_upsample"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return {internal::grown(*this, input[0], 2), internal::grown(*this, input[1], 2), input[2]};
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BlurUpsample>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  /// Enlarges x.
  void apply(const Tensor<S>& x, Tensor<S>& y) const override { filter.spread(x, y); }
  /// The transpose of that, which halves dy.
  void apply_transposed(const Tensor<S>& dy, Tensor<S>& dx) const override { filter.halve(dy, dx); }

 private:
  static inline const internal::Filter121<S> filter{S(0.5), 1};
};

/// {N, H, W, C} becomes {N, H / 2, W / 2, C}, odd sizes rounded up: the filter (1, 2, 1) x (1, 2, 1) / 16 at every
/// second pixel, so that along each axis y[i] = (x[2i - 1] + 2 x[2i] + x[2i + 1]) / 4, with zeros outside of the image.
/// For even sizes that is upfirdn2d as StyleGAN2 and R3GAN pad it (Karras et al., 2020; Huang et al., 2024; Zhang,
/// "Making convolutional networks shift-invariant again", 2019).
template <class S = float>
class BlurDownsample : public internal::BlurResample<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "blur_downsample"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images of H x W x C, got ", input);
    return {input[0] / 2 + input[0] % 2, input[1] / 2 + input[1] % 2, input[2]};
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BlurDownsample>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  /// Halves x.
  void apply(const Tensor<S>& x, Tensor<S>& y) const override { filter.halve(x, y); }
  /// The transpose of that, which enlarges dy.
  void apply_transposed(const Tensor<S>& dy, Tensor<S>& dx) const override { filter.spread(dy, dx); }

 private:
  static inline const internal::Filter121<S> filter{S(0.25), 0};
};

RIVAL_INSTANTIATE_CLASS(internal::BlurResample);
RIVAL_INSTANTIATE_CLASS(BlurUpsample);
RIVAL_INSTANTIATE_CLASS(BlurDownsample);

}  // namespace rival
