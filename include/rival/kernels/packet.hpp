#pragma once
// Packets: the machine's vector registers, through Eigen's, so that SSE, AVX2, AVX-512, NEON and plain scalars come
// from one source. Kernels reach Eigen's packet functions through this file only.

#include <algorithm>
#include <limits>

#include "rival/core/eigen.hpp"
#include "rival/core/tensor.hpp"

// g++ says that packets lose their alignment as template arguments, on which nothing here depends.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

namespace rival::kernels {

template <class S>
using Packet = typename Eigen::internal::packet_traits<S>::type;

/// How many scalars a packet holds.
template <class S>
inline constexpr Index packet_size = Eigen::internal::unpacket_traits<Packet<S>>::size;

/// The register tile: `tile_rows` rows by `tile_packets` packets of output stay in registers over a whole inner sum.
/// Beside them live one packet of the right operand for each of tile_packets and one broadcast scalar.
inline constexpr int tile_packets = 2;
inline constexpr int tile_rows = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 14 : 6;

template <class S>
EIGEN_STRONG_INLINE Packet<S> load(const S* from) {
  return Eigen::internal::ploadu<Packet<S>>(from);
}
template <class S>
EIGEN_STRONG_INLINE void prefetch(const S* from) {
  Eigen::internal::prefetch(from);
}
template <class S>
EIGEN_STRONG_INLINE void prefetch_to_write([[maybe_unused]] S* to) {
#if defined(__GNUC__)
  __builtin_prefetch(to, 1);
#endif
}
template <class S>
EIGEN_STRONG_INLINE void store(S* to, const Packet<S>& from) {
  Eigen::internal::pstoreu(to, from);
}
template <class S>
EIGEN_STRONG_INLINE Packet<S> broadcast(S value) {
  return Eigen::internal::pset1<Packet<S>>(value);
}
template <class S>
EIGEN_STRONG_INLINE Packet<S> add(const Packet<S>& a, const Packet<S>& b) {
  return Eigen::internal::padd(a, b);
}
template <class S>
EIGEN_STRONG_INLINE Packet<S> multiply(const Packet<S>& a, const Packet<S>& b) {
  return Eigen::internal::pmul(a, b);
}
/// a * b + c
template <class S>
EIGEN_STRONG_INLINE Packet<S> multiply_add(const Packet<S>& a, const Packet<S>& b, const Packet<S>& c) {
  return Eigen::internal::pmadd(a, b, c);
}
/// The least factor of a leaky ReLU's slope: with a slope of 0 minus infinity would give NaN, where its limit is 0.
template <class S>
constexpr S leak_limit(S slope) {
  return slope == S(0) ? std::numeric_limits<S>::lowest() : -std::numeric_limits<S>::infinity();
}
/// The leaky ReLU: y, below 0 slope * y; NaN stays NaN.
template <class S>
EIGEN_STRONG_INLINE Packet<S> leak(const Packet<S>& y, S slope) {
  using namespace Eigen::internal;
  return pselect(pcmp_lt(y, broadcast(S(0))), pmul(pmax(y, broadcast(leak_limit(slope))), broadcast(slope)), y);
}
template <class S>
EIGEN_STRONG_INLINE S leak_scalar(S y, S slope) {
  return y < S(0) ? std::max(y, leak_limit(slope)) * slope : y;
}
/// `yes` where the selector is positive, elsewhere `no`.
template <class S>
EIGEN_STRONG_INLINE Packet<S> choose(const Packet<S>& selector, const Packet<S>& yes, const Packet<S>& no) {
  using namespace Eigen::internal;
  return pselect(pcmp_lt(broadcast(S(0)), selector), yes, no);
}
/// The leaky ReLU's way back: value where the selector is positive, elsewhere value * slope; NaN stays NaN.
template <class S>
EIGEN_STRONG_INLINE Packet<S> leak(const Packet<S>& value, const Packet<S>& selector, S slope) {
  return choose<S>(selector, value, multiply<S>(value, broadcast(slope)));
}

/// The first `count` scalars, 0 behind them. For the ends of rows; never reads past them.
template <class S>
EIGEN_STRONG_INLINE Packet<S> load_part(const S* from, Index count) {
  alignas(64) S whole[packet_size<S>] = {};
  for (Index i = 0; i < count; ++i) whole[i] = from[i];
  return load(whole);
}
template <class S>
EIGEN_STRONG_INLINE void store_part(S* to, const Packet<S>& from, Index count) {
  alignas(64) S whole[packet_size<S>];
  store(whole, from);
  for (Index i = 0; i < count; ++i) to[i] = whole[i];
}

/// y = leak(y) for a row of `count`.
template <class S>
void leak_row(S* y, Index count, S slope) {
  constexpr Index size = packet_size<S>;
  Index i = 0;
  for (; i + size <= count; i += size) store(y + i, leak<S>(load(y + i), slope));
  for (; i < count; ++i) y[i] = leak_scalar(y[i], slope);
}

/// A copy of a few packets' scalars, for which a call of memcpy would cost more than it moves.
template <class S>
EIGEN_STRONG_INLINE void copy_short(const S* from, Index count, S* to) {
  constexpr Index size = packet_size<S>;
  Index i = 0;
  for (; i + size <= count; i += size) store(to + i, load(from + i));
  for (; i < count; ++i) to[i] = from[i];
}

/// to[i * to_step + j] = from[j * from_step + i] for a square of one packet's size.
template <class S>
EIGEN_STRONG_INLINE void transpose_square(const S* from, Index from_step, S* to, Index to_step) {
  constexpr int size = static_cast<int>(packet_size<S>);
  Eigen::internal::PacketBlock<Packet<S>, size> square;
  for (int i = 0; i < size; ++i) square.packet[i] = load(from + i * from_step);
  Eigen::internal::ptranspose(square);
  for (int i = 0; i < size; ++i) store(to + i * to_step, square.packet[i]);
}

/// Sum of a[i] * b[i].
template <class S>
S dot(const S* a, const S* b, Index count) {
  constexpr Index size = packet_size<S>;
  Packet<S> sums[4];
  for (auto& sum : sums) sum = broadcast(S(0));
  Index i = 0;
  for (; i + 4 * size <= count; i += 4 * size)
    for (Index j = 0; j < 4; ++j) sums[j] = multiply_add<S>(load(a + i + j * size), load(b + i + j * size), sums[j]);
  for (; i + size <= count; i += size) sums[0] = multiply_add<S>(load(a + i), load(b + i), sums[0]);
  if (i < count) sums[1] = multiply_add<S>(load_part(a + i, count - i), load_part(b + i, count - i), sums[1]);
  alignas(64) S lanes[size];
  store(lanes, add<S>(add<S>(sums[0], sums[1]), add<S>(sums[2], sums[3])));
  S sum = S(0);
  for (const S lane : lanes) sum += lane;
  return sum;
}

}  // namespace rival::kernels

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
