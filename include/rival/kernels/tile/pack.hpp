#pragma once
// Packing: weights in the order in which the register tile reads them.

#include <algorithm>

#include "rival/core/parallel.hpp"
#include "rival/kernels/packet.hpp"

namespace rival::kernels {

/// The columns of a right operand, cut into blocks of tile_packets packets; the last block may have fewer.
template <class S>
struct ColumnBlocks {
  Index columns;

  static constexpr Index width = tile_packets * packet_size<S>;
  Index packets() const { return (columns + packet_size<S> - 1) / packet_size<S>; }
  Index count() const { return (packets() + tile_packets - 1) / tile_packets; }
  int packets_of(Index block) const {
    return static_cast<int>(std::min<Index>(tile_packets, packets() - block * tile_packets));
  }
  /// Scalars that `rows` rows take when packed.
  Index packed_size(Index rows) const { return rows * packets() * packet_size<S>; }
};

namespace internal {

/// One block of columns: `rows` rows of `width` scalars, of which the first `columns` are filled and the others 0.
template <class S>
void pack_block(const S* from, bool transposed, Index leading, Index rows, Index columns, Index width, S* to) {
  constexpr Index size = packet_size<S>;
  if (!transposed) {
    // Rows that are far apart are streams that no hardware prefetcher follows.
    constexpr Index ahead = 12, line = 64 / static_cast<Index>(sizeof(S));
    for (Index r = 0; r < rows; ++r) {
      if (r + ahead < rows)
        for (Index c = 0; c < columns; c += line) prefetch(from + (r + ahead) * leading + c);
      copy_short(from + r * leading, columns, to + r * width);
      std::fill(to + r * width + columns, to + (r + 1) * width, S(0));
    }
    return;
  }
  for (Index c = 0; c < width; c += size)
    for (Index r = 0; r < rows; r += size) {
      if (c + size <= columns && r + size <= rows) {
        if (r + 3 * size <= rows)
          for (Index i = 0; i < size; ++i) prefetch(from + (c + i) * leading + r + 2 * size);
        transpose_square(from + c * leading + r, leading, to + r * width + c, width);
        continue;
      }
      for (Index i = r; i < std::min(rows, r + size); ++i)
        for (Index j = c; j < c + size; ++j) to[i * width + j] = j < columns ? from[j * leading + i] : S(0);
    }
}

}  // namespace internal

/// Packs `taps` matrices of rows x columns, one behind the other in `from`: for each block of columns, tap by tap and
/// row by row, the block's scalars side by side. If `transposed`, each matrix is stored as columns x rows.
template <class S>
void pack(const S* from, bool transposed, Index taps, Index rows, Index columns, S* to) {
  const ColumnBlocks<S> blocks{columns};
  parallel_for(blocks.count() * taps, static_cast<double>(taps * rows * columns), [&](Index task) {
    const Index block = task / taps, tap = task % taps, first = block * blocks.width;
    const Index width = blocks.packets_of(block) * packet_size<S>;
    internal::pack_block(from + tap * rows * columns + first * (transposed ? rows : 1), transposed,
                         transposed ? rows : columns, rows, std::min(blocks.width, columns - first), width,
                         to + first * taps * rows + tap * rows * width);
  });
}

}  // namespace rival::kernels
