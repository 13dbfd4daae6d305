#pragma once
// The references: each pass as its formula reads, in the plainest loops. The tests hold the fast kernels against these.

#include "rival/kernels/convolution/geometry.hpp"

namespace rival::kernels::naive {

/// Calls visit(in pixel, out pixel, tap), all counted over the batch, for every pair that a tap connects.
template <class Visit>
void for_each_connection(const ConvGeometry& g, const Visit& visit) {
  for (Index n = 0; n < g.batch; ++n)
    for (Index y = 0; y < g.out_h; ++y)
      for (Index x = 0; x < g.out_w; ++x)
        for (Index i = 0; i < g.kernel_h; ++i)
          for (Index j = 0; j < g.kernel_w; ++j) {
            const Index from_y = y * g.stride_h - g.pad_h + i, from_x = x * g.stride_w - g.pad_w + j;
            if (from_y < 0 || from_y >= g.in_h || from_x < 0 || from_x >= g.in_w) continue;
            visit((n * g.in_h + from_y) * g.in_w + from_x, (n * g.out_h + y) * g.out_w + x, i * g.kernel_w + j);
          }
}

inline Index weight_at(const ConvGeometry& g, Index tap, Index in, Index out) {
  return g.out_major ? (tap * g.out_c + out) * g.in_c + in : (tap * g.in_c + in) * g.out_c + out;
}

template <class S>
void conv_output(const ConvGeometry& g, const S* x, const S* w, S* y) {
  std::fill(y, y + g.batch * g.out_pixels() * g.out_c, S(0));
  for_each_connection(g, [&](Index in, Index out, Index tap) {
    for (Index a = 0; a < g.in_c; ++a)
      for (Index b = 0; b < g.out_c; ++b) y[out * g.out_c + b] += x[in * g.in_c + a] * w[weight_at(g, tap, a, b)];
  });
}

template <class S>
void conv_input_gradient(const ConvGeometry& g, const S* dy, const S* w, S* dx) {
  std::fill(dx, dx + g.batch * g.in_pixels() * g.in_c, S(0));
  for_each_connection(g, [&](Index in, Index out, Index tap) {
    for (Index a = 0; a < g.in_c; ++a)
      for (Index b = 0; b < g.out_c; ++b) dx[in * g.in_c + a] += dy[out * g.out_c + b] * w[weight_at(g, tap, a, b)];
  });
}

/// Adds to dw.
template <class S>
void conv_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  for_each_connection(g, [&](Index in, Index out, Index tap) {
    for (Index a = 0; a < g.in_c; ++a)
      for (Index b = 0; b < g.out_c; ++b) dw[weight_at(g, tap, a, b)] += x[in * g.in_c + a] * dy[out * g.out_c + b];
  });
}

}  // namespace rival::kernels::naive
