#pragma once
// Loops over the pixels of one sample, for layers that normalise: moments and centred sums of each channel, and sums of
// images with a factor for each channel. They run on one thread, in one order; callers share the samples out.

#include <algorithm>

#include "rival/kernels/reduce.hpp"

namespace rival::kernels {

/// mean[c] and variance[c] (divided by `pixels`) of each channel. The pixels are read once, in blocks that stay in the
/// first-level cache; each is centred on its own mean, so nothing cancels (Chan, Golub and LeVeque, 1983).
template <class S>
void sample_moments(Index pixels, Index channels, const S* x, S* mean, S* variance) {
  using namespace internal;
  constexpr Index block = 32;
  for (Index column = 0; column < channels; column += reduce_columns) {
    const Index count = std::min(reduce_columns, channels - column);
    RowSums<S> means = RowSums<S>::Zero(count), squares = RowSums<S>::Zero(count), centre(count), square(count);
    for (Index first = 0; first < pixels; first += block) {
      const Index last = std::min(pixels, first + block);
      centre.setZero();
      square.setZero();
      for (Index p = first; p < last; ++p) centre += RowPiece<S>(x + p * channels + column, count);
      centre /= static_cast<S>(last - first);
      for (Index p = first; p < last; ++p) square += (RowPiece<S>(x + p * channels + column, count) - centre).square();
      const S share = static_cast<S>(last - first) / static_cast<S>(last);
      centre -= means;
      means += centre * share;
      squares += square + centre.square() * (share * static_cast<S>(first));
    }
    RowPieceMap<S>(mean + column, count) = means;
    RowPieceMap<S>(variance + column, count) = squares / static_cast<S>(pixels);
  }
}

/// sums[c] = sum over pixels of d[p, c] and products[c] = sum over pixels of d[p, c] * (x[p, c] - centre[c]).
template <class S>
void sample_sums(Index pixels, Index channels, const S* d, const S* x, const S* centre, S* sums, S* products) {
  using namespace internal;
  for (Index column = 0; column < channels; column += reduce_columns) {
    const Index count = std::min(reduce_columns, channels - column);
    const RowPiece<S> middle(centre + column, count);
    RowPieceMap<S> all_sums(sums + column, count), all_products(products + column, count);
    all_sums.setZero();
    all_products.setZero();
    for (Index first = 0; first < pixels; first += reduce_rows) {
      RowSums<S> sum = RowSums<S>::Zero(count), product = RowSums<S>::Zero(count);
      for (Index p = first; p < std::min(pixels, first + reduce_rows); ++p) {
        const RowPiece<S> row(d + p * channels + column, count);
        sum += row;
        product += row * (RowPiece<S>(x + p * channels + column, count) - middle);
      }
      all_sums += sum;
      all_products += product;
    }
  }
}

/// A summand of `combine_channels`: x[p, c] * factor[c].
template <class S>
struct Scaled {
  const S* x;
  const S* factor;
  auto row(Index p, Index channels) const {
    return internal::RowPiece<S>(x + p * channels, channels) * internal::RowPiece<S>(factor, channels);
  }
};

/// A summand of `combine_channels`: (x[p, c] - centre[c]) * factor[c].
template <class S>
struct Centred {
  const S* x;
  const S* centre;
  const S* factor;
  auto row(Index p, Index channels) const {
    return (internal::RowPiece<S>(x + p * channels, channels) - internal::RowPiece<S>(centre, channels)) *
           internal::RowPiece<S>(factor, channels);
  }
};

/// What `combine_channels` multiplies its result by: x[p, c] > 0 ? 1 : slope. Null stands for none. x may be where the
/// result goes: that is the leaky ReLU.
template <class S>
struct ChannelGate {
  const S* x = nullptr;
  S slope = S(1);
};

/// y[p, c] = gate of (constant[c] + the terms).
template <class S, class... Terms>
void combine_channels(Index pixels, Index channels, S* y, const ChannelGate<S>& gate, const S* constant,
                      const Terms&... terms) {
  using namespace internal;
  const bool gated = gate.x != nullptr && gate.slope != S(1);
  for (Index p = 0; p < pixels; ++p) {
    RowPieceMap<S> to(y + p * channels, channels);
    to = (RowPiece<S>(constant, channels) + ... + terms.row(p, channels));
    if (gated && gate.x == y)
      leak_row(to.data(), channels, gate.slope);
    else if (gated)
      to = (RowPiece<S>(gate.x + p * channels, channels) > S(0)).select(to, gate.slope * to);
  }
}

RIVAL_INSTANTIATE_FUNCTION(sample_moments);
RIVAL_INSTANTIATE_FUNCTION(sample_sums);

}  // namespace rival::kernels
