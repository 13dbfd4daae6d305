#pragma once
// The weight gradient: for each tap, the sum over pixels of an outer product of two contiguous rows of channels.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/geometry.hpp"
#include "rival/kernels/gradient_tile.hpp"
#include "rival/kernels/matrix_product.hpp"
#include "rival/kernels/winograd_gradient.hpp"

namespace rival::kernels {

namespace internal {

/// Images a block of pixels holds: so many that both operands stay in the second-level cache.
inline Index images_per_block(Index bytes_per_image, Index batch) {
  constexpr Index cache_share = 384 * 1024;
  return std::clamp<Index>(cache_share / std::max<Index>(1, bytes_per_image), 1, batch);
}

/// One side of the sum over pixels: its channels, and how far it moves from image to image, row to row, pixel to pixel of
/// the out side.
template <class S>
struct PixelOperand {
  const S* data;
  Index channels;
  Index image, row, pixel;
};

/// The loops over out pixels [y0, y1) x [x0, x1) of `images` images, the longest innermost.
template <class S>
SumLoops pixel_loops(const PixelOperand<S>& left, const PixelOperand<S>& right, Index images, Index height, Index width) {
  SumLoops loops{{images, height, width}, {left.image, left.row, left.pixel}, {right.image, right.row, right.pixel}};
  loops.merge_inner();
  const auto longest = std::max_element(loops.count, loops.count + 3) - loops.count;
  std::swap(loops.count[longest], loops.count[2]);
  std::swap(loops.left[longest], loops.left[2]);
  std::swap(loops.right[longest], loops.right[2]);
  return loops;
}

/// The out positions along one axis for which `tap` reads inside the image: [first, last).
inline std::pair<Index, Index> valid_range(Index in, Index out, Index stride, Index pad, Index tap) {
  const Index first = std::max<Index>(0, (pad - tap + stride - 1) / stride);
  const Index last = in - 1 + pad - tap < 0 ? 0 : std::min(out, (in - 1 + pad - tap) / stride + 1);
  return {first, std::max(first, last)};
}

/// What of the sum over pixels becomes of a gradient: row r (a left channel) of a tap begins at tap * tap_step + r *
/// row_step and its columns (right channels) are column_step apart.
struct GradientLayout {
  Index tap_step, row_step, column_step;
};

/// Adds for every tap the sum over pixels of left channel times right channel. `left_is_in` tells which of the two is the
/// in side, whose pixels shift with the tap. A right side of fewer channels than a packet's comes from `widen`.
template <class S>
void add_outer_products(const ConvGeometry& g, const PixelOperand<S>& left, const PixelOperand<S>& right, bool left_is_in,
                        S* gradient, const GradientLayout& layout) {
  const Index row_tiles = (left.channels + tile_rows - 1) / tile_rows;
  const Index column_tiles = (right.channels + tile_packets * packet_size<S> - 1) / (tile_packets * packet_size<S>);
  const Index tiles = g.taps() * row_tiles * column_tiles;
  const Index images = images_per_block((left.image + right.image) * static_cast<Index>(sizeof(S)), g.batch);
  const Index tasks = std::clamp<Index>(static_cast<Index>(g.flops() / 4e6), 1, std::min<Index>(tiles, 48));

  parallel_for(tasks, g.flops() / 16, [&](Index task) {
    for (Index first = 0; first < g.batch; first += images)
      for (Index t = part_begin(tiles, tasks, task); t < part_begin(tiles, tasks, task + 1); ++t) {
        const Index tap = t / (row_tiles * column_tiles), tap_y = tap / g.kernel_w, tap_x = tap % g.kernel_w;
        const auto [y0, y1] = valid_range(g.in_h, g.out_h, g.stride_h, g.pad_h, tap_y);
        const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, tap_x);
        if (y0 == y1 || x0 == x1) continue;
        // Steps within the in side, counted on the side itself: a widened one has longer pixels.
        const Index in_pixel = (left_is_in ? left : right).pixel / g.stride_w;
        const Index in_shift = ((tap_y - g.pad_h) * g.in_w + tap_x - g.pad_w) * in_pixel;
        const Index left_begin = first * left.image + y0 * left.row + x0 * left.pixel + (left_is_in ? in_shift : 0);
        const Index right_begin = first * right.image + y0 * right.row + x0 * right.pixel + (left_is_in ? 0 : in_shift);
        const ColumnTile columns = column_tile<S>(right.channels, t / row_tiles % column_tiles);
        const Index row = part_begin(left.channels, row_tiles, t % row_tiles);
        const auto height = static_cast<int>(part_begin(left.channels, row_tiles, t % row_tiles + 1) - row);
        Index rows[tile_rows];
        for (int r = 0; r < height; ++r) rows[r] = tap * layout.tap_step + (row + r) * layout.row_step;
        const S* sources[tile_rows];
        for (int r = 0; r < height; ++r) sources[r] = left.data + left_begin + row + r;
        add_gradient_tile<true>(height, sources,
                      GradientTile<S>{right.data + right_begin + columns.first,
                                      pixel_loops(left, right, std::min(images, g.batch - first), y1 - y0, x1 - x0),
                                      gradient, rows, columns, layout.column_step});
      }
  });
}

/// The same where the in side has few channels: it is copied with its padding, so that every tap is valid everywhere and the
/// channels of all taps are rows of one tile, which reads the out side once for all of them.
template <class S>
void add_outer_products_few_in(const ConvGeometry& g, const S* x, const PixelOperand<S>& out, S* gradient,
                               const GradientLayout& layout) {
  const Index height = (g.out_h - 1) * g.stride_h + g.kernel_h, width = (g.out_w - 1) * g.stride_w + g.kernel_w;
  const Index image = height * width * g.in_c;
  S* padded = scratch<S>(Scratch::padded_copy, g.batch * image);
  parallel_for(g.batch, static_cast<double>(g.batch * image) / 4, [&](Index n) {
    S* to = padded + n * image;
    std::fill(to, to + image, S(0));
    const Index columns = std::max<Index>(0, std::min(g.in_w, width - g.pad_w)) * g.in_c;  // the padding may be all there is
    for (Index y = 0; y < std::min(g.in_h, height - g.pad_h); ++y) {
      const S* from = x + (n * g.in_h + y) * g.in_w * g.in_c;
      std::copy(from, from + columns, to + ((y + g.pad_h) * width + g.pad_w) * g.in_c);
    }
  });

  const PixelOperand<S> in{padded, g.in_c, image, g.stride_h * width * g.in_c, g.stride_w * g.in_c};
  const Index rows_in_all = g.taps() * g.in_c, row_tiles = (rows_in_all + tile_rows - 1) / tile_rows;
  const Index column_tiles = (out.channels + tile_packets * packet_size<S> - 1) / (tile_packets * packet_size<S>);
  const Index images = images_per_block((in.image + out.image) * static_cast<Index>(sizeof(S)), g.batch);
  parallel_for(row_tiles * column_tiles, g.flops() / 16, [&](Index t) {
    const ColumnTile columns = column_tile<S>(out.channels, t / row_tiles);
    const Index row = part_begin(rows_in_all, row_tiles, t % row_tiles);
    const auto count = static_cast<int>(part_begin(rows_in_all, row_tiles, t % row_tiles + 1) - row);
    for (Index first = 0; first < g.batch; first += images) {
      const S* sources[tile_rows];
      Index rows[tile_rows];
      for (int r = 0; r < count; ++r) {
        const Index tap = (row + r) / g.in_c, channel = (row + r) % g.in_c;
        sources[r] = padded + first * image + (tap / g.kernel_w * width + tap % g.kernel_w) * g.in_c + channel;
        rows[r] = tap * layout.tap_step + channel * layout.row_step;
      }
      add_gradient_tile<true>(count, sources,
                    GradientTile<S>{out.data + first * out.image + columns.first,
                                    pixel_loops(in, out, std::min(images, g.batch - first), g.out_h, g.out_w), gradient,
                                    rows, columns, layout.column_step});
    }
  });
}

/// A copy of `operand`, which has fewer channels than a packet, with zeros behind each pixel's up to a packet.
template <class S>
PixelOperand<S> widen(const PixelOperand<S>& operand, Index pixels_in_all) {
  const Index channels = operand.channels, wide = packet_size<S>;
  S* copy = scratch<S>(Scratch::padded_copy, pixels_in_all * wide);
  parallel_blocks(pixels_in_all, 1024, static_cast<double>(pixels_in_all * wide) / 4, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      std::copy(operand.data + i * channels, operand.data + (i + 1) * channels, copy + i * wide);
      std::fill(copy + i * wide + channels, copy + (i + 1) * wide, S(0));
    }
  });
  const auto scaled = [&](Index step) { return step / channels * wide; };
  return {copy, channels, scaled(operand.image), scaled(operand.row), scaled(operand.pixel)};
}

/// The weight gradient as one product for each tap and pixel.
template <class S>
void direct_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  const PixelOperand<S> in{x, g.in_c, g.in_pixels() * g.in_c, g.stride_h * g.in_w * g.in_c, g.stride_w * g.in_c};
  const PixelOperand<S> out{dy, g.out_c, g.out_pixels() * g.out_c, g.out_w * g.out_c, g.out_c};
  const Index size = packet_size<S>, tap_step = g.in_c * g.out_c;
  const Index in_step = g.out_major ? 1 : g.out_c, out_step = g.out_major ? g.in_c : 1;
  if (g.in_c <= 4 && g.taps() > 1 && g.out_c >= size)
    return add_outer_products_few_in(g, x, out, dw, {tap_step, in_step, out_step});
  // The packets run along the axis that is contiguous in the gradient, unless only the other one fills them.
  bool columns_are_out = !g.out_major;
  if ((columns_are_out ? g.out_c : g.in_c) < size && (columns_are_out ? g.in_c : g.out_c) >= size)
    columns_are_out = !columns_are_out;
  const auto right_of = [&](const PixelOperand<S>& side, Index pixels) {
    return side.channels < size ? widen(side, g.batch * pixels) : side;
  };
  if (columns_are_out)
    add_outer_products(g, in, right_of(out, g.out_pixels()), true, dw, {tap_step, in_step, out_step});
  else
    add_outer_products(g, out, right_of(in, g.in_pixels()), false, dw, {tap_step, out_step, in_step});
}

}  // namespace internal

/// dw[tap, a, b] += sum over pixels of x[in pixel, a] * dy[out pixel, b] (stored [tap, b, a] if g.out_major).
template <class S>
void conv_weight_gradient(const ConvGeometry& g, const S* x, const S* dy, S* dw) {
  if (g.is_product() && (g.out_major ? g.in_c : g.out_c) >= packet_size<S>)
    return g.out_major ? add_matrix_gradient(g.batch * g.out_pixels(), g.out_c, g.in_c, dy, x, dw)
                       : add_matrix_gradient(g.batch * g.out_pixels(), g.in_c, g.out_c, x, dy, dw);
  if constexpr (std::is_same_v<S, float>)
    if (winograd_weight_gradient(g, x, dy, dw)) return;
  internal::direct_weight_gradient(g, x, dy, dw);
}

}  // namespace rival::kernels
