#pragma once
// Gradient tiles: a register tile that is added to what memory holds.

#include "rival/kernels/tile.hpp"

namespace rival::kernels::internal {

/// A block of packets of the right operand. The last one ends where the columns end, overlapping the one before: `fresh`
/// says from which lane on each packet's columns are its own.
struct ColumnTile {
  Index first;             ///< column of the first packet
  int packets;
  Index distance;          ///< columns from the first packet to the second
  Index fresh[tile_packets];
  Index end;               ///< lanes in use; all unless the columns are fewer than a packet's
};

template <class S>
ColumnTile column_tile(Index columns, Index block) {
  constexpr Index size = packet_size<S>;
  const Index first = block * tile_packets * size, left = columns - first;
  if (columns < size) return {0, 1, 0, {0, 0}, columns};
  if (left >= 2 * size) return {first, 2, size, {0, 0}, size};
  if (left > size) return {first, 2, left - size, {0, 2 * size - left}, size};
  return {columns - size, 1, 0, {size - left, 0}, size};
}

/// Where the elements of a gradient tile go: row r's column c is at gradient[rows[r] + c * column_step].
template <class S>
struct GradientTile {
  const S* right;
  SumLoops loops;
  S* gradient;
  const Index* rows;
  const ColumnTile& columns;
  Index column_step;
};

/// gradient += tile. `Prefetch` as in multiply_tile.
template <bool Prefetch, class S>
void add_gradient_tile(int rows, const S* const* left, const GradientTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const ColumnTile& columns = job.columns;
  // What the tile is added to arrives while it is computed.
  if (job.column_step == 1)
    for (int r = 0; r < rows; ++r)
      for (int p = 0; p < columns.packets; ++p) prefetch(job.gradient + job.rows[r] + columns.first + p * columns.distance);
  Tile<S> tile;
  multiply_tile<Prefetch>(rows, columns.packets, left, job.right, columns.distance, job.loops, tile);
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < columns.packets; ++p) {
      S* to = job.gradient + job.rows[r] + (columns.first + p * columns.distance) * job.column_step;
      if (job.column_step == 1 && columns.fresh[p] == 0 && columns.end == size) {
        store(to, add<S>(load(to), tile.packet(r, p)));
      } else {
        const S* sums = tile.sums + (r * tile_packets + p) * size;
        for (Index c = columns.fresh[p]; c < columns.end; ++c) to[c * job.column_step] += sums[c];
      }
    }
}

}  // namespace rival::kernels::internal
