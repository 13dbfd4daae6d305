#pragma once
// Matrix products of dense layers, and of convolutions by one tap: no geometry to respect, so both operands can be laid
// out as the register tile likes them best.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/tile/gradient_tile.hpp"
#include "rival/kernels/tile/output_tile.hpp"
#include "rival/kernels/tile/pack.hpp"

namespace rival::kernels {

namespace internal {

/// Rows that are a multiple of this many bytes apart compete for the same few lines of the first-level cache.
inline constexpr Index conflict_bytes = 4096;

/// `a` itself, or a copy of its rows at a distance at which they do not compete; `distance` becomes the rows' distance.
template <class S>
const S* spread_rows(Index rows, Index columns, const S* a, Index& distance) {
  distance = columns;
  if (columns * static_cast<Index>(sizeof(S)) % conflict_bytes != 0 || rows < 4) return a;
  distance = columns + 2 * packet_size<S>;
  S* copy = scratch<S>(Scratch::padded_copy, rows * distance);
  const Index step = distance;
  parallel_blocks(rows, 16, static_cast<double>(rows * columns) / 8, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) std::copy_n(a + r * columns, columns, copy + r * step);
  });
  return copy;
}

}  // namespace internal

/// c = epilogue(a b) for row-major a (m x k), b (k x n; if `transposed` it is stored n x k) and c (m x n).
template <class S>
void matrix_product(Index m, Index k, Index n, const S* a, const S* b, bool transposed, S* c,
                    const Epilogue<S>& epilogue) {
  constexpr Index rows_in_chunk = 32 * tile_rows;  // many, so that packing a panel of b is little beside using it
  Index distance = k;
  const S* left = internal::spread_rows(m, k, a, distance);
  const ColumnBlocks<S> blocks{n};
  const Index chunks = (m + rows_in_chunk - 1) / rows_in_chunk;
  const TaskScratch<S> memory(k * blocks.width);
  parallel_for(
      blocks.count() * chunks, static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index task, Index worker) {
        const Index block = task / chunks, column = block * blocks.width;
        const int packets = blocks.packets_of(block);
        const Index width = packets * packet_size<S>;
        S* panel = memory.of(worker);
        internal::pack_block(b + column * (transposed ? k : 1), transposed, transposed ? k : n, k,
                             std::min(blocks.width, n - column), width, panel);

        const S* sources[tile_rows];
        Index rows[tile_rows];
        const OutputTile<S> job{sources,    panel,   {{1, 1, k}, {0, 0, 1}, {0, 0, width}}, c, rows, column,
                                n - column, epilogue};
        const Index first = part_begin(m, chunks, task % chunks), last = part_begin(m, chunks, task % chunks + 1);
        const Index tiles = (last - first + tile_rows - 1) / tile_rows;
        for (Index tile = 0; tile < tiles; ++tile) {
          const Index row = first + part_begin(last - first, tiles, tile);
          const auto height = static_cast<int>(first + part_begin(last - first, tiles, tile + 1) - row);
          for (int r = 0; r < height; ++r) {
            sources[r] = left + (row + r) * distance;
            rows[r] = (row + r) * n;
          }
          output_tile(height, packets, job);
        }
      });
}

/// db += a^T dc for row-major a (m x k), dc (m x n) and db (k x n); n is a packet's scalars at least.
template <class S>
void add_matrix_gradient(Index m, Index k, Index n, const S* a, const S* dc, S* db) {
  constexpr Index most_tiles = 4, samples = 128;  // a group's part of a, and a block of dc, fit the first-level cache
  const Index tiles = (k + tile_rows - 1) / tile_rows;
  const Index groups = std::max((tiles + most_tiles - 1) / most_tiles, std::min<Index>(tiles, 8));
  const Index width = tile_packets * packet_size<S>, column_tiles = (n + width - 1) / width;
  const TaskScratch<S> memory(samples * (most_tiles * tile_rows + width));
  parallel_for(groups, static_cast<double>(m * k) * static_cast<double>(n) / 8, [&](Index group, Index worker) {
    const Index tile0 = part_begin(tiles, groups, group), tile1 = part_begin(tiles, groups, group + 1);
    const Index first = part_begin(k, tiles, tile0), last = part_begin(k, tiles, tile1), rows_here = last - first;
    S* left = memory.of(worker);
    S* right = left + samples * rows_here;
    for (Index begin = 0; begin < m; begin += samples) {
      const Index count = std::min(samples, m - begin);
      for (Index i = 0; i < count; ++i) copy_short(a + (begin + i) * k + first, rows_here, left + i * rows_here);
      for (Index block = 0; block < column_tiles; ++block) {
        const internal::ColumnTile columns = internal::column_tile<S>(n, block);
        const Index held = columns.packets == 1 ? packet_size<S> : columns.distance + packet_size<S>;
        for (Index i = 0; i < count; ++i) copy_short(dc + (begin + i) * n + columns.first, held, right + i * width);
        for (Index tile = tile0; tile < tile1; ++tile) {
          const Index row = part_begin(k, tiles, tile);
          const auto height = static_cast<int>(part_begin(k, tiles, tile + 1) - row);
          const S* sources[tile_rows];
          Index rows[tile_rows];
          for (int r = 0; r < height; ++r) {
            sources[r] = left + row - first + r;
            rows[r] = (row + r) * n;
          }
          internal::add_gradient_tile<false>(
              height, sources,
              internal::GradientTile<S>{
                  right, {{1, 1, count}, {0, 0, rows_here}, {0, 0, width}}, db, rows, columns, 1});
        }
      }
    }
  });
}

RIVAL_INSTANTIATE_FUNCTION(matrix_product);
RIVAL_INSTANTIATE_FUNCTION(add_matrix_gradient);

}  // namespace rival::kernels
