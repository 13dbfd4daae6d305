#pragma once
// The geometry that a convolution, its gradients and the transposed convolution share.

#include <algorithm>
#include <vector>

#include "rival/core/tensor.hpp"

namespace rival::kernels {

/// A convolution from batch x in_h x in_w x in_c ("in") to batch x out_h x out_w x out_c ("out"):
/// out[n, y, x, :] = sum over taps (i, j) of in[n, y * stride_h - pad_h + i, x * stride_w - pad_w + j, :] W[i, j].
///
/// A transposed convolution goes from "out" to "in" of such a geometry: its forward pass is the input gradient, its
/// input gradient the output pass. A dense layer is the case of one tap on images of one pixel.
struct ConvGeometry {
  Index batch = 1;
  Index in_h = 1, in_w = 1, in_c = 1;
  Index out_h = 1, out_w = 1, out_c = 1;
  Index kernel_h = 1, kernel_w = 1;
  Index stride_h = 1, stride_w = 1;
  Index pad_h = 0, pad_w = 0;  ///< rows above and columns left; those below and right follow from the sizes
  /// Weights are stored [kernel_h, kernel_w, in_c, out_c]; if set, [kernel_h, kernel_w, out_c, in_c].
  bool out_major = false;

  Index taps() const { return kernel_h * kernel_w; }
  Index in_pixels() const { return in_h * in_w; }
  Index out_pixels() const { return out_h * out_w; }
  /// Whether every pixel meets one tap and nothing else, so that each pass is a plain product of matrices.
  bool is_product() const {
    return taps() == 1 && stride_h == 1 && stride_w == 1 && pad_h == 0 && pad_w == 0 && in_h == out_h && in_w == out_w;
  }
  /// Floating-point operations of one pass, taps on padding counted.
  double flops() const {
    return 2.0 * static_cast<double>(batch * out_pixels()) * static_cast<double>(taps() * in_c) *
           static_cast<double>(out_c);
  }
};

/// Along one axis: destination positions that read their sources through the same taps, so that a tile of them needs
/// neither a test for padding nor a product with it.
struct Segment {
  Index first, step, count;         ///< destination positions: first, first + step, ...
  Index source_first, source_step;  ///< source of the first position's first tap, and from position to position
  Index tap_first, tap_step, taps;  ///< kernel taps: tap_first, tap_first + tap_step, ...
  Index source_tap_step;            ///< source from tap to tap
};

/// Output pass: destination y reads sources y * stride - pad + tap.
inline void output_segments(Index in, Index out, Index kernel, Index stride, Index pad,
                            std::vector<Segment>& segments) {
  segments.clear();
  for (Index y = 0; y < out; ++y) {
    const Index source = y * stride - pad;
    const Index low = std::clamp<Index>(-source, 0, kernel);
    const Index taps = std::max<Index>(0, std::min(kernel, in - source) - low);
    if (!segments.empty() && segments.back().taps == taps && (taps == 0 || segments.back().tap_first == low))
      ++segments.back().count;
    else
      segments.push_back({y, 1, 1, source + low, stride, low, 1, taps, 1});
  }
}

/// Input gradient: destination x reads sources (x + pad - tap) / stride where that is whole. Positions of one phase
/// x mod stride use the same taps, so each phase is a dense pass of its own.
inline void input_gradient_segments(Index in, Index out, Index kernel, Index stride, Index pad,
                                    std::vector<Segment>& segments) {
  segments.clear();
  for (Index start = 0; start < std::min(stride, in); ++start) {
    const Index phase = (start + pad) % stride;
    const Index phase_taps = phase < kernel ? (kernel - phase + stride - 1) / stride : 0;
    bool opened = false;
    for (Index x = start; x < in; x += stride) {
      const Index source = (x + pad) / stride;
      const Index low = std::clamp<Index>(source - out + 1, 0, phase_taps);
      const Index taps = std::max<Index>(0, std::min(phase_taps, source + 1) - low);
      const Index tap_first = phase + stride * low;
      if (opened && segments.back().taps == taps && (taps == 0 || segments.back().tap_first == tap_first))
        ++segments.back().count;
      else
        segments.push_back({x, stride, 1, source - low, 1, tap_first, stride, taps, -1});
      opened = true;
    }
  }
}

}  // namespace rival::kernels
