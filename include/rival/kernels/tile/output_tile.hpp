#pragma once
// Output tiles: a register tile whose sums, finished, go through scale, bias and activation to memory.

#include "rival/kernels/tile/tile.hpp"

namespace rival::kernels {

/// What happens to a sum on its way to memory: multiply by the scale, add the bias, apply y > 0 ? y : slope * y,
/// multiply by (gate > 0 ? 1 : gate_slope). A null pointer and a slope of 1 stand for nothing.
template <class S>
struct Epilogue {
  const S* bias = nullptr;  ///< one a column
  S slope = S(1);
  const S* gate = nullptr;  ///< of the destination's layout
  S gate_slope = S(1);
  const S* scale = nullptr;  ///< one a column

  bool nothing() const { return !bias && !scale && !gate && slope == S(1); }
};

/// The epilogue of a packet of sums, given the packet's scale and bias; `gate()` reads its gate.
template <class S, class Gate>
EIGEN_STRONG_INLINE Packet<S> finish(const Packet<S>& sum, const Packet<S>& scale, const Packet<S>& bias,
                                     const Epilogue<S>& epilogue, const Gate& gate) {
  Packet<S> y = multiply_add<S>(sum, scale, bias);  // a scale of 1 changes no bit of sum + bias
  if (epilogue.slope != S(1)) y = leak<S>(y, epilogue.slope);
  if (epilogue.gate) y = leak<S>(y, gate(), epilogue.gate_slope);
  return y;
}

template <class S>
struct OutputTile {
  const S* const* sources;  ///< a pointer a row
  const S* packed;          ///< the block of packed weights, at the first tap
  SumLoops loops;
  S* destination;
  const Index* rows;      ///< where each row begins in destination
  Index column, columns;  ///< the first column, and how many there are from it on (perhaps fewer than the tile's)
  Epilogue<S> epilogue;
};

namespace internal {

/// A tile of whole packets: its sums go to memory without a detour. `Finish` is for epilogues that do something.
template <class S, int Rows, int Packets, bool Finish>
void whole_output_tile(const OutputTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const auto sum = sum_tile<false>(job.sources, job.packed, size, job.loops, TileSums<S, Rows, Packets>::zero());
  if constexpr (!Finish) {
    S* const to = job.destination + job.column;
    const Index* const rows = job.rows;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < Packets; ++p) store(to + rows[r] + p * size, sum.row[r][p]);
    return;
  }
  const Epilogue<S> epilogue = job.epilogue;
#pragma GCC unroll 2
  for (int p = 0; p < Packets; ++p) {
    const Index column = job.column + p * size;
    const Packet<S> scale = epilogue.scale ? load(epilogue.scale + column) : broadcast(S(1));
    const Packet<S> bias = epilogue.bias ? load(epilogue.bias + column) : broadcast(S(0));
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Index to = job.rows[r] + column;
      store(job.destination + to,
            finish<S>(sum.row[r][p], scale, bias, epilogue, [&] { return load(epilogue.gate + to); }));
    }
  }
}

template <class S, int Packets, bool Finish, int... R>
constexpr std::array<void (*)(const OutputTile<S>&), sizeof...(R)> whole_output_tiles(
    std::integer_sequence<int, R...>) {
  return {whole_output_tile<S, R + 1, Packets, Finish>...};
}

/// Takes finished sums through the epilogue to memory.
template <class S>
void finish_tile(int rows, int packets, const Tile<S>& tile, const OutputTile<S>& job) {
  constexpr Index size = packet_size<S>;
  const Epilogue<S>& epilogue = job.epilogue;
  for (int p = 0; p < packets; ++p) {
    const Index column = job.column + p * size, left = job.columns - p * size;
    const auto read = [&](const S* from) { return left >= size ? load(from) : load_part(from, left); };
    const Packet<S> scale = epilogue.scale ? read(epilogue.scale + column) : broadcast(S(1));
    const Packet<S> bias = epilogue.bias ? read(epilogue.bias + column) : broadcast(S(0));
    for (int r = 0; r < rows; ++r) {
      const Index to = job.rows[r] + column;
      const Packet<S> y = finish<S>(tile.packet(r, p), scale, bias, epilogue, [&] { return read(epilogue.gate + to); });
      if (left >= size)
        store(job.destination + to, y);
      else
        store_part(job.destination + to, y, left);
    }
  }
}

}  // namespace internal

/// Computes a tile of 1 <= rows <= tile_rows by 1 <= packets <= tile_packets.
template <class S>
void output_tile(int rows, int packets, const OutputTile<S>& job) {
  constexpr Index size = packet_size<S>;
  if (job.columns >= packets * size) {
    using Rows = std::make_integer_sequence<int, tile_rows>;
    static constexpr std::array table = {
        internal::whole_output_tiles<S, 1, false>(Rows{}), internal::whole_output_tiles<S, 2, false>(Rows{}),
        internal::whole_output_tiles<S, 1, true>(Rows{}), internal::whole_output_tiles<S, 2, true>(Rows{})};
    const int kind = packets - 1 + (job.epilogue.nothing() ? 0 : 2);
    return table[static_cast<std::size_t>(kind)][static_cast<std::size_t>(rows - 1)](job);
  }
  Tile<S> tile;
  multiply_tile(rows, packets, job.sources, job.packed, size, job.loops, tile);
  internal::finish_tile(rows, packets, tile, job);
}

RIVAL_INSTANTIATE_FUNCTION(output_tile);

}  // namespace rival::kernels
