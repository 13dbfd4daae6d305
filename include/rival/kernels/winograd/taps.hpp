#pragma once
// The weights' side of Winograd's algorithm: G g G^T, a few points at a time.

#include <algorithm>
#include <array>
#include <utility>

#include "rival/kernels/winograd/geometry.hpp"
#include "rival/kernels/winograd/transform.hpp"

namespace rival::kernels::internal {

/// Points that are summed up together, since they are sums of the same taps: (p, q) and (p, q + 1).
inline constexpr int points_together = 2;

/// What the taps of a pair of groups count at neighbouring points of one row. A row of taps that counts nothing is left
/// out.
template <class S>
struct TapSum {
  static constexpr int most = WinogradTransform<S>::most_taps;
  int rows = 0, columns = 0, points = 0;
  std::array<std::array<const S*, most>, most> from;  ///< the taps' matrices
  std::array<S, most> down;
  std::array<std::array<S, most>, points_together> across;

  /// Of groups a and b at points (p, q) to (p, q + points - 1); the taps' matrices lie tap_step apart in `packed`.
  TapSum(const TileRegion& region, Index kernel_w, Index a, Index b, Index p, Index q, int points_here, const S* packed,
         Index tap_step)
      : points(points_here) {
    const FilterPhase &y = *region.y->phase, &x = *region.x->phase;
    const TapGroup &group_y = y.group[static_cast<std::size_t>(a)], &group_x = x.group[static_cast<std::size_t>(b)];
    const auto &along_y = region.y->transform<S>(), &along_x = region.x->transform<S>();
    columns = static_cast<int>(group_x.taps);
    for (Index i = 0; i < group_y.taps; ++i) {
      if (along_y.weights[p][i] == 0) continue;
      for (Index j = 0; j < columns; ++j)
        from[static_cast<std::size_t>(rows)][static_cast<std::size_t>(j)] =
            packed + ((group_y.tap_first + y.tap_step * i) * kernel_w + group_x.tap_first + x.tap_step * j) * tap_step;
      down[static_cast<std::size_t>(rows++)] = static_cast<S>(along_y.weights[p][i]);
    }
    for (int k = 0; k < points; ++k)
      for (int j = 0; j < columns; ++j)
        across[static_cast<std::size_t>(k)][static_cast<std::size_t>(j)] = static_cast<S>(along_x.weights[q + k][j]);
  }
};

/// to[k * to_step + i] = sum over columns c of across[k][c] * sum over rows r of down[r] * from[r][c][i], for i <
/// count, whole packets.
template <class S, int Rows, int Columns, int Points>
void add_up(const TapSum<S>& sum, Index count, S* to, Index to_step) {
  Packet<S> down[Rows], across[Points][Columns];
  const S* from[Rows][Columns];
  for (std::size_t r = 0; r < Rows; ++r) {
    down[r] = broadcast(sum.down[r]);
    for (std::size_t c = 0; c < Columns; ++c) from[r][c] = sum.from[r][c];
  }
  for (std::size_t k = 0; k < Points; ++k)
    for (std::size_t c = 0; c < Columns; ++c) across[k][c] = broadcast(sum.across[k][c]);
  for (Index i = 0; i < count; i += packet_size<S>) {
    Packet<S> column[Columns];
#pragma GCC unroll 3
    for (int c = 0; c < Columns; ++c) {
      column[c] = multiply<S>(down[0], load(from[0][c] + i));
#pragma GCC unroll 3
      for (int r = 1; r < Rows; ++r) column[c] = multiply_add<S>(down[r], load(from[r][c] + i), column[c]);
    }
#pragma GCC unroll 2
    for (int k = 0; k < Points; ++k) {
      Packet<S> point = multiply<S>(across[k][0], column[0]);
#pragma GCC unroll 3
      for (int c = 1; c < Columns; ++c) point = multiply_add<S>(across[k][c], column[c], point);
      store(to + k * to_step + i, point);
    }
  }
}

template <class S>
void sum_taps(const TapSum<S>& sum, Index count, S* to, Index to_step) {
  constexpr int most = TapSum<S>::most;
  static constexpr auto table = []<int... K>(std::integer_sequence<int, K...>) {
    return std::array<void (*)(const TapSum<S>&, Index, S*, Index), sizeof...(K)>{
        add_up<S, K % most + 1, K / most % most + 1, K / most / most + 1>...};
  }
  (std::make_integer_sequence<int, most * most * points_together>{});
  if (sum.rows == 0) {
    for (int k = 0; k < sum.points; ++k) std::fill_n(to + k * to_step, count, S(0));
    return;
  }
  table[static_cast<std::size_t>(((sum.points - 1) * most + sum.columns - 1) * most + sum.rows - 1)](sum, count, to,
                                                                                                     to_step);
}

}  // namespace rival::kernels::internal
