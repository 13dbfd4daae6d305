#pragma once
// Convolution passes whose destination has fewer channels than fill a packet, such as grey or colour images: here the
// other operand's channels, or the taps, fill it.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/convolution/geometry.hpp"
#include "rival/kernels/convolution/weight_gradient.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/tile/pack.hpp"

namespace rival::kernels::internal {

template <class S>
S finish_one(S value, Index at, Index channel, const Epilogue<S>& epilogue) {
  if (epilogue.scale) value *= epilogue.scale[channel];
  if (epilogue.bias) value += epilogue.bias[channel];
  if (epilogue.slope != S(1)) value = leak_scalar(value, epilogue.slope);
  if (epilogue.gate && !(epilogue.gate[at] > S(0))) value *= epilogue.gate_slope;
  return value;
}

/// Output pass to few channels: each output is a sum of dot products along the in channels of the taps of one kernel
/// row.
template <class S>
void conv_output_few(const ConvGeometry& g, const S* x, const S* w, S* y, const Epilogue<S>& epilogue) {
  // [out channel][tap][in channel]
  const Index length = g.taps() * g.in_c;
  const S* kernels = w;
  if (g.out_c > 1) {
    S* packed = scratch<S>(Scratch::packed_weights, g.out_c * length);
    for (Index tap = 0; tap < g.taps(); ++tap)
      for (Index a = 0; a < g.in_c; ++a)
        for (Index b = 0; b < g.out_c; ++b)
          packed[b * length + tap * g.in_c + a] =
              w[g.out_major ? (tap * g.out_c + b) * g.in_c + a : (tap * g.in_c + a) * g.out_c + b];
    kernels = packed;
  }
  const Index rows = g.batch * g.out_h;
  parallel_blocks(rows, std::max<Index>(1, 100'000 / std::max<Index>(1, g.out_w * g.out_c * length)), g.flops() / 8,
                  [&](Index begin, Index end) {
                    for (Index row = begin; row < end; ++row) {
                      const Index n = row / g.out_h, top = row % g.out_h * g.stride_h - g.pad_h;
                      const Index i0 = std::clamp<Index>(-top, 0, g.kernel_h),
                                  i1 = std::clamp<Index>(g.in_h - top, i0, g.kernel_h);
                      for (Index column = 0; column < g.out_w; ++column) {
                        const Index left = column * g.stride_w - g.pad_w;
                        const Index j0 = std::clamp<Index>(-left, 0, g.kernel_w),
                                    j1 = std::clamp<Index>(g.in_w - left, j0, g.kernel_w);
                        const Index at = (row * g.out_w + column) * g.out_c;
                        for (Index b = 0; b < g.out_c; ++b) {
                          S sum = S(0);
                          for (Index i = i0; i < i1; ++i)
                            sum += dot(x + ((n * g.in_h + top + i) * g.in_w + left + j0) * g.in_c,
                                       kernels + b * length + (i * g.kernel_w + j0) * g.in_c, (j1 - j0) * g.in_c);
                          y[at + b] = finish_one(sum, at + b, b, epilogue);
                        }
                      }
                    }
                  });
}

/// Input gradient to few channels: the product of every out pixel with all taps at once, whose channels together fill
/// the packets, and then the sum of each in pixel's taps.
template <class S>
void conv_input_gradient_few(const ConvGeometry& g, const S* dy, const S* w, S* dx, const Epilogue<S>& epilogue) {
  const Index columns = g.taps() * g.in_c;
  const ColumnBlocks<S> blocks{columns};
  const Index width = blocks.packets() * packet_size<S>;
  S* ordered = scratch<S>(Scratch::padded_copy, g.out_c * columns);  // [out channel][tap][in channel]
  for (Index tap = 0; tap < g.taps(); ++tap)
    for (Index a = 0; a < g.in_c; ++a)
      for (Index b = 0; b < g.out_c; ++b)
        ordered[b * columns + tap * g.in_c + a] =
            w[g.out_major ? (tap * g.out_c + b) * g.in_c + a : (tap * g.in_c + a) * g.out_c + b];
  S* packed = scratch<S>(Scratch::packed_weights, blocks.packed_size(g.out_c));
  pack(ordered, false, 1, g.out_c, columns, packed);

  const Index pixels = g.out_pixels(), image = g.in_pixels() * g.in_c;
  const TaskScratch<S> memory(pixels * width);
  parallel_for(g.batch, g.flops() / 8, [&](Index n, Index worker) {
    S* products = memory.of(worker);
    const S* from = dy + n * pixels * g.out_c;
    const Index tiles = (pixels + tile_rows - 1) / tile_rows;
    for (Index block = 0; block < blocks.count(); ++block) {
      const int packets = blocks.packets_of(block);
      const S* sources[tile_rows];
      Index rows[tile_rows];
      OutputTile<S> job{sources,
                        packed + block * blocks.width * g.out_c,
                        {},
                        products,
                        rows,
                        block * blocks.width,
                        packets * packet_size<S>,
                        {}};
      job.loops = {{1, 1, g.out_c}, {0, 0, 1}, {0, 0, packets * packet_size<S>}};
      for (Index tile = 0; tile < tiles; ++tile) {
        const Index first = part_begin(pixels, tiles, tile);
        const auto height = static_cast<int>(part_begin(pixels, tiles, tile + 1) - first);
        for (int r = 0; r < height; ++r) {
          sources[r] = from + (first + r) * g.out_c;
          rows[r] = (first + r) * width;
        }
        output_tile(height, packets, job);
      }
    }
    S* to = dx + n * image;
    std::fill(to, to + image, S(0));
    for (Index y = 0; y < g.out_h; ++y)
      for (Index i = 0; i < g.kernel_h; ++i) {
        const Index to_y = y * g.stride_h - g.pad_h + i;
        if (to_y < 0 || to_y >= g.in_h) continue;
        for (Index j = 0; j < g.kernel_w; ++j) {
          const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, j);
          const S* term = products + y * g.out_w * width + (i * g.kernel_w + j) * g.in_c;
          S* row = to + (to_y * g.in_w + j - g.pad_w) * g.in_c;
          const Index step = g.stride_w * g.in_c;
          for (Index a = 0; a < g.in_c; ++a)
            for (Index x = x0; x < x1; ++x) row[x * step + a] += term[x * width + a];
        }
      }
    if (epilogue.scale || epilogue.bias || epilogue.slope != S(1) || epilogue.gate)
      for (Index at = 0; at < image; ++at) to[at] = finish_one(to[at], n * image + at, at % g.in_c, epilogue);
  });
}

}  // namespace rival::kernels::internal
