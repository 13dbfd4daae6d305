#pragma once
// Convolution passes over few pixels, such as those of a single image: packing the weights would cost as much as using
// them, so they are read where they are, each once.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/kernels/convolution/geometry.hpp"
#include "rival/kernels/convolution/weight_gradient.hpp"
#include "rival/kernels/tile/output_tile.hpp"

namespace rival::kernels::internal {

/// A matrix of weights as it is stored, or some of its columns.
template <class S>
struct WeightsInPlace {
  const S* from;
  Index rows, distance;  ///< of rows
  Index columns;         ///< a multiple of the packet's scalars
};

/// y += x w for one row: by few rows of w at a time, which are read in the order of memory. The terms are added in the
/// order in which the register tile adds them.
template <class S>
void add_row_product(const S* x, const WeightsInPlace<S>& w, S* y) {
  constexpr Index at_once = 8;
  for (Index k = 0; k < w.rows; k += at_once) {
    const Index count = std::min(at_once, w.rows - k);
    const S* from = w.from + k * w.distance;
    for (Index c = 0; c < w.columns; c += packet_size<S>) {
      Packet<S> sum = load(y + c);
      if (count == at_once) {
#pragma GCC unroll 8
        for (Index i = 0; i < at_once; ++i)
          sum = multiply_add<S>(broadcast(x[k + i]), load(from + i * w.distance + c), sum);
      } else {
        for (Index i = 0; i < count; ++i)
          sum = multiply_add<S>(broadcast(x[k + i]), load(from + i * w.distance + c), sum);
      }
      store(y + c, sum);
    }
  }
}

/// The same for 1 <= rows <= tile_rows rows and the first columns, two packets at most.
template <class S>
void add_tile_product(int rows, const S* const* x, const WeightsInPlace<S>& w, S* const* y) {
  constexpr Index size = packet_size<S>;
  const auto packets = static_cast<int>(w.columns / size);
  Tile<S> tile;
  for (int r = 0; r < rows; ++r) copy_short(y[r], w.columns, tile.sums + r * tile_packets * size);
  multiply_tile<false, true>(rows, packets, x, w.from, size, {{1, 1, w.rows}, {0, 0, 1}, {0, 0, w.distance}}, tile);
  for (int r = 0; r < rows; ++r) copy_short(tile.sums + r * tile_packets * size, w.columns, y[r]);
}

/// Whether a pass over so few pixels (rows of a dense layer) is to read its weights in place. That changes no bit of
/// the result; from 64 on, packing costs less than it saves.
template <class S>
bool reads_in_place(const ConvGeometry& g, Index destination_c) {
  return g.batch * g.out_pixels() < 64 && destination_c % packet_size<S> == 0;
}

/// Output pass, or input gradient if `!output`, with weights stored [tap][source channel][destination channel]: tap by
/// tap, the out pixels that the tap joins with an in pixel are rows of tiles which go on where the tap before left the
/// destination.
template <class S>
void conv_few_pixels(const ConvGeometry& g, bool output, const S* source, const S* w, S* destination,
                     const Epilogue<S>& epilogue) {
  constexpr Index size = packet_size<S>;
  const Index source_c = output ? g.in_c : g.out_c, columns = output ? g.out_c : g.in_c;
  const Index pixels = g.batch * (output ? g.out_pixels() : g.in_pixels());
  const bool one = g.batch * g.out_pixels() == 1;
  const Index strip =
      one ? 16 * size : tile_packets * size;  // long enough to read a row of weights with the memory's grain
  parallel_for((columns + strip - 1) / strip, g.flops() / 100, [&](Index task) {
    const Index first = task * strip, width = std::min(strip, columns - first);
    S* const to = destination + first;
    for (Index p = 0; p < pixels; ++p) std::fill_n(to + p * columns, width, S(0));

    for (Index i = 0; i < g.kernel_h; ++i)
      for (Index j = 0; j < g.kernel_w; ++j) {
        const auto [y0, y1] = valid_range(g.in_h, g.out_h, g.stride_h, g.pad_h, i);
        const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, j);
        const WeightsInPlace<S> weights{w + (i * g.kernel_w + j) * source_c * columns + first, source_c, columns,
                                        width};
        const Index rows = std::max<Index>(0, y1 - y0), across = std::max<Index>(0, x1 - x0),
                    count = g.batch * rows * across;
        const Index tiles = (count + tile_rows - 1) / tile_rows;
        const S* from_rows[tile_rows];
        S* to_rows[tile_rows];
        Index n = 0, y = y0, x = x0;
        for (Index tile = 0; tile < tiles; ++tile) {
          const auto height = static_cast<int>(part_begin(count, tiles, tile + 1) - part_begin(count, tiles, tile));
          for (int r = 0; r < height; ++r) {
            const Index out = (n * g.out_h + y) * g.out_w + x;
            const Index in = (n * g.in_h + y * g.stride_h - g.pad_h + i) * g.in_w + x * g.stride_w - g.pad_w + j;
            from_rows[r] = source + (output ? in : out) * source_c;
            to_rows[r] = to + (output ? out : in) * columns;
            if (++x < x1) continue;
            x = x0;
            if (++y < y1) continue;
            y = y0;
            ++n;
          }
          if (one)
            add_row_product(from_rows[0], weights, to_rows[0]);
          else
            add_tile_product(height, from_rows, weights, to_rows);
        }
      }

    for (Index c = first; c < first + width; c += size) {
      const Packet<S> scale = epilogue.scale ? load(epilogue.scale + c) : broadcast(S(1));
      const Packet<S> bias = epilogue.bias ? load(epilogue.bias + c) : broadcast(S(0));
      for (Index at = c; at < pixels * columns; at += columns)
        store(destination + at,
              finish<S>(load(destination + at), scale, bias, epilogue, [&] { return load(epilogue.gate + at); }));
    }
  });
}

}  // namespace rival::kernels::internal
