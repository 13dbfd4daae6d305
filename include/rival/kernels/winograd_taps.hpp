#pragma once
// The weights' side of Winograd's algorithm: G g G^T, point by point.

#include <algorithm>
#include <array>
#include <utility>

#include "rival/kernels/winograd_geometry.hpp"
#include "rival/kernels/winograd_transform.hpp"

namespace rival::kernels::internal {

/// One point's share of the taps of a pair of groups: kernel taps and what each counts.
template <class S>
struct TapSum {
  static constexpr int most = WinogradTransform<S>::most_taps * WinogradTransform<S>::most_taps;
  int terms = 0;
  std::array<Index, most> tap;  ///< of the kernel
  std::array<S, most> factor;

  TapSum(const TileRegion& region, Index kernel_w, Index a, Index b, Index p, Index q) {
    const FilterPhase &y = *region.y->phase, &x = *region.x->phase;
    const TapGroup &down = y.group[static_cast<std::size_t>(a)], &across = x.group[static_cast<std::size_t>(b)];
    const auto& weights_y = region.y->transform<S>().weights[p];
    const auto& weights_x = region.x->transform<S>().weights[q];
    for (Index i = 0; i < down.taps; ++i)
      for (Index j = 0; j < across.taps; ++j) {
        const double product = weights_y[i] * weights_x[j];
        if (product == 0) continue;
        tap[static_cast<std::size_t>(terms)] =
            (down.tap_first + y.tap_step * i) * kernel_w + across.tap_first + x.tap_step * j;
        factor[static_cast<std::size_t>(terms++)] = static_cast<S>(product);
      }
  }
};

/// to[i] = sum over k of factor[k] * from[k][i] for i < count, whole packets.
template <class S, int Terms>
void add_up(const S* const* from, const S* factor, Index count, S* to) {
  Packet<S> factors[Terms];
#pragma GCC unroll 9
  for (int k = 0; k < Terms; ++k) factors[k] = broadcast(factor[k]);
  for (Index i = 0; i < count; i += packet_size<S>) {
    Packet<S> sum = multiply<S>(factors[0], load(from[0] + i));
#pragma GCC unroll 9
    for (int k = 1; k < Terms; ++k) sum = multiply_add<S>(factors[k], load(from[k] + i), sum);
    store(to + i, sum);
  }
}

/// to = sum over the taps of factor * their matrix of `count` scalars, which lie tap_step apart in `packed`.
template <class S>
void sum_taps(const TapSum<S>& sum, const S* packed, Index tap_step, Index count, S* to) {
  static constexpr auto table = []<int... K>(std::integer_sequence<int, K...>) {
    return std::array<void (*)(const S* const*, const S*, Index, S*), sizeof...(K)>{add_up<S, K + 1>...};
  }(std::make_integer_sequence<int, TapSum<S>::most>{});
  if (sum.terms == 0) return std::fill(to, to + count, S(0)), void();
  std::array<const S*, TapSum<S>::most> from;
  for (std::size_t k = 0; k < static_cast<std::size_t>(sum.terms); ++k) from[k] = packed + sum.tap[k] * tap_step;
  table[static_cast<std::size_t>(sum.terms - 1)](from.data(), sum.factor.data(), count, to);
}

}  // namespace rival::kernels::internal
