#pragma once
// The weight gradient: for each tap, the sum over pixels of an outer product of two contiguous rows of channels.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/convolution/geometry.hpp"
#include "rival/kernels/tile/gradient_tile.hpp"
#include "rival/kernels/tile/matrix_product.hpp"
#include "rival/kernels/winograd/gradient.hpp"

namespace rival::kernels {

namespace internal {

/// The sum over pixels in blocks of which both operands stay in the second-level cache: several images, or some rows of
/// one.
struct PixelBlocks {
  Index images, rows;

  PixelBlocks(Index bytes_per_image, Index batch, Index height) {
    constexpr Index cache_share = 384 * 1024;
    images = std::clamp<Index>(cache_share / std::max<Index>(1, bytes_per_image), 1, batch);
    const Index pieces = (bytes_per_image + cache_share - 1) / cache_share;
    rows = images > 1 ? height : (height + pieces - 1) / std::max<Index>(1, pieces);
  }
};

/// One side of the sum over pixels: its channels, and how far it moves from image to image, row to row, pixel to pixel
/// of the out side.
template <class S>
struct PixelOperand {
  const S* data;
  Index channels;
  Index image, row, pixel;
};

/// The loops over out pixels [y0, y1) x [x0, x1) of `images` images: in the order of memory, unless the rows are so
/// short that the loop around them would cost more than a stride.
template <class S>
SumLoops pixel_loops(const PixelOperand<S>& left, const PixelOperand<S>& right, Index images, Index height,
                     Index width) {
  constexpr Index short_row = 12;
  SumLoops loops{{images, height, width}, {left.image, left.row, left.pixel}, {right.image, right.row, right.pixel}};
  loops.merge_inner();
  if (loops.count[2] >= short_row) return loops;
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

/// Adds for every tap the sum over pixels of left channel times right channel. `left_is_in` tells which of the two is
/// the in side, whose pixels shift with the tap. A right side of fewer channels than a packet's comes from `widen`.
///
/// Channels are taken in groups and pixels in blocks, of which both operands and the sums stay near the processor while
/// all tiles of a group, which the threads share, read them.
template <class S>
void add_outer_products(const ConvGeometry& g, const PixelOperand<S>& left, const PixelOperand<S>& right,
                        bool left_is_in, S* gradient, const GradientLayout& layout) {
  constexpr Index group_channels = 128, tile_width = tile_packets * packet_size<S>;
  const Index row_tiles = (left.channels + tile_rows - 1) / tile_rows;
  const Index column_tiles = (right.channels + tile_width - 1) / tile_width;
  const Index row_groups = (left.channels + group_channels - 1) / group_channels;
  const Index column_groups = (right.channels + group_channels - 1) / group_channels;
  const Index bytes = (left.image / row_groups + right.image / column_groups) * static_cast<Index>(sizeof(S));
  const PixelBlocks block(bytes, g.batch, g.out_h);

  const auto add_tiles = [&](Index row_group, Index column_group, Index first, Index top) {
    const Index row0 = part_begin(row_tiles, row_groups, row_group),
                column0 = part_begin(column_tiles, column_groups, column_group);
    const Index rows_here = part_begin(row_tiles, row_groups, row_group + 1) - row0;
    const Index columns_here = part_begin(column_tiles, column_groups, column_group + 1) - column0;
    const Index images = std::min(block.images, g.batch - first), tiles = g.taps() * columns_here * rows_here;
    const double work = g.flops() * static_cast<double>(tiles * images * std::min(block.rows, g.out_h - top)) /
                        static_cast<double>(g.taps() * column_tiles * row_tiles * g.batch * g.out_h);
    const Index tasks = std::clamp<Index>(static_cast<Index>(work / 1e6), 1, tiles);
    parallel_for(tasks, work / 16, [&](Index task) {
      for (Index t = part_begin(tiles, tasks, task); t < part_begin(tiles, tasks, task + 1); ++t) {
        const Index tap = t / (rows_here * columns_here), tap_y = tap / g.kernel_w, tap_x = tap % g.kernel_w;
        auto [y0, y1] = valid_range(g.in_h, g.out_h, g.stride_h, g.pad_h, tap_y);
        const auto [x0, x1] = valid_range(g.in_w, g.out_w, g.stride_w, g.pad_w, tap_x);
        y0 = std::max(y0, top);
        y1 = std::min(y1, top + block.rows);
        if (y0 >= y1 || x0 == x1) continue;
        // Steps within the in side, counted on the side itself: a widened one has longer pixels.
        const Index in_pixel = (left_is_in ? left : right).pixel / g.stride_w;
        const Index in_shift = ((tap_y - g.pad_h) * g.in_w + tap_x - g.pad_w) * in_pixel;
        const Index left_begin = first * left.image + y0 * left.row + x0 * left.pixel + (left_is_in ? in_shift : 0);
        const Index right_begin = first * right.image + y0 * right.row + x0 * right.pixel + (left_is_in ? 0 : in_shift);
        const ColumnTile columns = column_tile<S>(right.channels, column0 + t / rows_here % columns_here);
        const Index row = part_begin(left.channels, row_tiles, row0 + t % rows_here);
        const auto height = static_cast<int>(part_begin(left.channels, row_tiles, row0 + t % rows_here + 1) - row);
        Index rows[tile_rows];
        const S* sources[tile_rows];
        for (int r = 0; r < height; ++r) {
          rows[r] = tap * layout.tap_step + (row + r) * layout.row_step;
          sources[r] = left.data + left_begin + row + r;
        }
        const SumLoops loops = pixel_loops(left, right, images, y1 - y0, x1 - x0);
        add_gradient_tile<true>(height, sources,
                                GradientTile<S>{right.data + right_begin + columns.first, loops, gradient, rows,
                                                columns, layout.column_step});
      }
    });
  };
  for (Index row_group = 0; row_group < row_groups; ++row_group)
    for (Index column_group = 0; column_group < column_groups; ++column_group)
      for (Index first = 0; first < g.batch; first += block.images)
        for (Index top = 0; top < g.out_h; top += block.rows) add_tiles(row_group, column_group, first, top);
}

/// One image with its padding, as rows x columns.
template <class S>
void copy_padded(const ConvGeometry& g, const S* from, Index rows, Index columns, S* to) {
  std::fill(to, to + rows * columns * g.in_c, S(0));
  const Index length =
      std::max<Index>(0, std::min(g.in_w, columns - g.pad_w)) * g.in_c;  // the padding may be all there is
  for (Index y = 0; y < std::min(g.in_h, rows - g.pad_h); ++y)
    std::copy_n(from + y * g.in_w * g.in_c, length, to + ((y + g.pad_h) * columns + g.pad_w) * g.in_c);
}

/// The same where the in side has few channels: it is copied with its padding, so that every tap is valid everywhere
/// and the channels of all taps are rows of one tile, which reads the out side once for all of them.
template <class S>
void add_outer_products_few_in(const ConvGeometry& g, const S* x, const PixelOperand<S>& out, S* gradient,
                               const GradientLayout& layout) {
  const Index height = (g.out_h - 1) * g.stride_h + g.kernel_h, width = (g.out_w - 1) * g.stride_w + g.kernel_w;
  const Index image = height * width * g.in_c;
  const PixelOperand<S> in{nullptr, g.in_c, image, g.stride_h * width * g.in_c, g.stride_w * g.in_c};
  const Index rows_in_all = g.taps() * g.in_c, row_tiles = (rows_in_all + tile_rows - 1) / tile_rows;
  const Index column_tiles = (out.channels + tile_packets * packet_size<S> - 1) / (tile_packets * packet_size<S>);
  const Index images = PixelBlocks((in.image + out.image) * static_cast<Index>(sizeof(S)), g.batch, g.out_h).images;
  // The gradient is small and the sum over pixels long: images are summed in parts, which are then added in their
  // order.
  const Index parts = std::min<Index>((g.batch + images - 1) / images, 16), size = rows_in_all * out.channels;
  S* sums = scratch<S>(Scratch::partial_sums, parts * size);
  const TaskScratch<S> memory(images * image);
  parallel_for(parts * column_tiles, g.flops() / 16, [&](Index task, Index worker) {
    const Index part = task / column_tiles, end = part_begin(g.batch, parts, part + 1);
    const ColumnTile columns = column_tile<S>(out.channels, task % column_tiles);
    S* padded = memory.of(worker);
    S* sum = sums + part * size;
    const Index last_column = columns.first + (columns.packets - 1) * columns.distance + columns.end;
    for (Index row = 0; row < rows_in_all; ++row)
      std::fill(sum + row * out.channels + columns.first + columns.fresh[0], sum + row * out.channels + last_column,
                S(0));
    for (Index first = part_begin(g.batch, parts, part); first < end; first += images) {
      const Index count = std::min(images, end - first);
      for (Index n = 0; n < count; ++n)
        copy_padded(g, x + (first + n) * g.in_pixels() * g.in_c, height, width, padded + n * image);
      for (Index tile = 0; tile < row_tiles; ++tile) {
        const Index row = part_begin(rows_in_all, row_tiles, tile);
        const auto tile_height = static_cast<int>(part_begin(rows_in_all, row_tiles, tile + 1) - row);
        const S* sources[tile_rows];
        Index rows[tile_rows];
        for (int r = 0; r < tile_height; ++r) {
          const Index tap = (row + r) / g.in_c, channel = (row + r) % g.in_c;
          sources[r] = padded + (tap / g.kernel_w * width + tap % g.kernel_w) * g.in_c + channel;
          rows[r] = (row + r) * out.channels;
        }
        add_gradient_tile<false>(tile_height, sources,
                                 GradientTile<S>{out.data + first * out.image + columns.first,
                                                 pixel_loops(in, out, count, g.out_h, g.out_w), sum, rows, columns, 1});
      }
    }
  });
  for (Index part = 0; part < parts; ++part)
    for (Index row = 0; row < rows_in_all; ++row) {
      const S* sum = sums + part * size + row * out.channels;
      S* to = gradient + row / g.in_c * layout.tap_step + row % g.in_c * layout.row_step;
      for (Index c = 0; c < out.channels; ++c) to[c * layout.column_step] += sum[c];
    }
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
  parallel_scope(g.flops() / 16, [&] {
    if constexpr (std::is_same_v<S, float>)
      if (winograd_weight_gradient(g, x, dy, dw)) return;
    internal::direct_weight_gradient(g, x, dy, dw);
  });
}

RIVAL_INSTANTIATE_FUNCTION(conv_weight_gradient);

}  // namespace rival::kernels
