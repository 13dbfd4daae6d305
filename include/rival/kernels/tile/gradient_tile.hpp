#pragma once
// Gradient tiles: a register tile that is added to what memory holds.

#include "rival/kernels/tile/tile.hpp"

namespace rival::kernels::internal {

/// A block of packets of the right operand. The last one ends where the columns end, overlapping the one before:
/// `fresh` says from which lane on each packet's columns are its own.
struct ColumnTile {
  Index first;  ///< column of the first packet
  int packets;
  Index distance;  ///< columns from the first packet to the second
  Index fresh[tile_packets];
  Index end;  ///< lanes in use; all unless the columns are fewer than a packet's
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

/// A tile of whole packets, side by side in the gradient: its sums are added without a detour through memory.
template <class S, int Rows, int Packets, bool Prefetch>
void add_whole_gradient_tile(const S* const* left, const GradientTile<S>& job) {
  const auto sum =
      sum_tile<Prefetch>(left, job.right, job.columns.distance, job.loops, TileSums<S, Rows, Packets>::zero());
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < Packets; ++p) {
      S* to = job.gradient + job.rows[r] + job.columns.first + p * job.columns.distance;
      store(to, add<S>(load(to), sum.row[r][p]));
    }
}

template <class S, int Packets, bool Prefetch, int... R>
constexpr std::array<void (*)(const S* const*, const GradientTile<S>&), sizeof...(R)> add_whole_gradient_tiles(
    std::integer_sequence<int, R...>) {
  return {add_whole_gradient_tile<S, R + 1, Packets, Prefetch>...};
}

/// gradient += tile. `Prefetch` as in multiply_tile.
template <bool Prefetch, class S>
void add_gradient_tile(int rows, const S* const* left, const GradientTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const ColumnTile& columns = job.columns;
  // What the tile is added to arrives while it is computed.
  if (job.column_step == 1)
    for (int r = 0; r < rows; ++r)
      for (int p = 0; p < columns.packets; ++p)
        prefetch(job.gradient + job.rows[r] + columns.first + p * columns.distance);
  if (job.column_step == 1 && columns.fresh[0] == 0 && columns.fresh[1] == 0 && columns.end == size) {
    using Rows = std::make_integer_sequence<int, tile_rows>;
    static constexpr std::array table = {add_whole_gradient_tiles<S, 1, Prefetch>(Rows{}),
                                         add_whole_gradient_tiles<S, 2, Prefetch>(Rows{})};
    return table[static_cast<std::size_t>(columns.packets - 1)][static_cast<std::size_t>(rows - 1)](left, job);
  }
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
