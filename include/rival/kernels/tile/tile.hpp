#pragma once
// The register tile: the inner loop that dense layers and the convolution passes share (all but outputs of few
// channels).

#include <array>
#include <utility>

#include "rival/kernels/packet.hpp"

namespace rival::kernels {

/// Three nested loops over the terms of an inner sum, outermost first: how often each runs, and how far the left and
/// the right operand move with it.
struct SumLoops {
  Index count[3] = {1, 1, 1};
  Index left[3] = {0, 0, 0};
  Index right[3] = {0, 0, 0};

  /// Makes one loop of the two innermost, and of all three, where both operands simply go on from one to the other.
  void merge_inner() {
    for (const int outer : {1, 0}) {
      if (left[outer] != count[2] * left[2] || right[outer] != count[2] * right[2]) return;
      count[2] *= count[outer];
      count[outer] = 1;
    }
  }
};

/// tile(row, height) for `rows` rows cut into as few tiles as can be, of heights that differ by one at most.
template <class Tile>
void for_each_tile(Index rows, const Tile& tile) {
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  if (tiles == 0) return;
  const Index height = rows / tiles, higher = rows % tiles;
  for (Index t = 0, row = 0; t < tiles; ++t) {
    const Index here = height + (t < higher ? 1 : 0);
    tile(row, static_cast<int>(here));
    row += here;
  }
}

/// A finished tile: row r's packet p begins at sums + (r * tile_packets + p) * packet_size.
template <class S>
struct Tile {
  alignas(64) S sums[tile_rows * tile_packets * packet_size<S>];

  Packet<S> packet(int row, int p) const { return load(sums + (row * tile_packets + p) * packet_size<S>); }
};

namespace internal {

/// The sums of a tile, in registers.
template <class S, int Rows, int Packets>
struct TileSums {
  Packet<S> row[Rows][Packets];

  static EIGEN_ALWAYS_INLINE TileSums zero() {
    TileSums sum;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < Packets; ++p) sum.row[r][p] = broadcast(S(0));
    return sum;
  }
};

/// Goes on from `sum`. `Prefetch` is for loops whose innermost strides: its runs are short and the next begins where no
/// hardware prefetcher expects it, so each term asks for its counterpart of the next run.
template <bool Prefetch, class S, int Rows, int Packets>
EIGEN_ALWAYS_INLINE TileSums<S, Rows, Packets> sum_tile(const S* const* left, const S* right, Index packet_distance,
                                                        const SumLoops& loops, TileSums<S, Rows, Packets> sum) {
  for (Index i = 0; i < loops.count[0]; ++i)
    for (Index j = 0; j < loops.count[1]; ++j) {
      Index offset = i * loops.left[0] + j * loops.left[1];
      const S* from = right + i * loops.right[0] + j * loops.right[1];
      for (Index k = loops.count[2]; k > 0; --k) {
        if constexpr (Prefetch) {
          prefetch(left[0] + offset + loops.left[1]);
          prefetch(left[Rows - 1] + offset + loops.left[1]);
          for (int p = 0; p < Packets; ++p) prefetch(from + p * packet_distance + loops.right[1]);
        }
        Packet<S> b[Packets];
#pragma GCC unroll 2
        for (int p = 0; p < Packets; ++p) b[p] = load(from + p * packet_distance);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          const Packet<S> a = broadcast(left[r][offset]);
#pragma GCC unroll 2
          for (int p = 0; p < Packets; ++p) sum.row[r][p] = multiply_add<S>(a, b[p], sum.row[r][p]);
        }
        offset += loops.left[2];
        from += loops.right[2];
      }
    }
  return sum;
}

template <class S, int Rows, int Packets, bool Prefetch, bool Continue>
void multiply_tile(const S* const* left, const S* right, Index packet_distance, const SumLoops& loops, Tile<S>& tile) {
  auto sum = TileSums<S, Rows, Packets>::zero();
  if constexpr (Continue)
    for (int r = 0; r < Rows; ++r)
      for (int p = 0; p < Packets; ++p) sum.row[r][p] = tile.packet(r, p);
  sum = sum_tile<Prefetch>(left, right, packet_distance, loops, sum);
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < Packets; ++p) store(tile.sums + (r * tile_packets + p) * packet_size<S>, sum.row[r][p]);
}

template <class S>
using MultiplyTile = void (*)(const S* const*, const S*, Index, const SumLoops&, Tile<S>&);

template <class S, int Packets, bool Prefetch, bool Continue, int... R>
constexpr std::array<MultiplyTile<S>, sizeof...(R)> multiply_tiles(std::integer_sequence<int, R...>) {
  return {multiply_tile<S, R + 1, Packets, Prefetch, Continue>...};
}

}  // namespace internal

/// tile(r, p) = sum over the loops' terms of left[r] * right[packet p]: 1 <= rows <= tile_rows by 1 <= packets <=
/// tile_packets, held in registers from the first term to the last.
///
/// `left` has a pointer a row; the packets of the right operand are `packet_distance` apart. Every element is summed in
/// the order of the loops, so its bits depend on no tile size. `Prefetch` hides the cache misses of an inner loop that
/// strides; with `Continue` the sums go on from what the tile holds.
template <bool Prefetch = false, bool Continue = false, class S>
void multiply_tile(int rows, int packets, const S* const* left, const S* right, Index packet_distance,
                   const SumLoops& loops, Tile<S>& tile) {
  static_assert(tile_packets == 2);
  using Rows = std::make_integer_sequence<int, tile_rows>;
  static constexpr std::array table = {internal::multiply_tiles<S, 1, Prefetch, Continue>(Rows{}),
                                       internal::multiply_tiles<S, 2, Prefetch, Continue>(Rows{})};
  table[static_cast<std::size_t>(packets - 1)][static_cast<std::size_t>(rows - 1)](left, right, packet_distance, loops,
                                                                                   tile);
}

}  // namespace rival::kernels
