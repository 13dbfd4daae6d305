#pragma once
// The transforms of Winograd's minimal filtering, and how packets of channels go through them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "rival/kernels/packet.hpp"

namespace rival::kernels {

/// The finite points of a transform with so many. They were searched for small rounding errors: the largest over the
/// outputs of the root of the sum of squares of A^T[j][i] |B^T[i]| |G[i]|, a product's share in an output.
constexpr std::array<double, 7> interpolation_points(int count) {
  if (count == 4) return {0, -1, 0.5, 2};  // 2.6; 0, 1, -1, 2 give 4.0
  if (count == 6) return {0, 1, 0.5, 2, -1.25, -0.8};
  return {0, 1, -1, 2, -0.5, 0.5, -2};
}

/// F(m, r): m outputs y[j] = sum over t < r of d[j + t] g[t] by m + r - 1 products, y = A^T ((G g) * (B^T d)), where *
/// is element by element (S. Winograd, Arithmetic Complexity of Computations, 1980).
///
/// The matrices come from interpolation at points a[i], the last one infinity: with the other points' L(x) = prod(x -
/// a[i]), A^T[j][i] = a[i]^j, G[i][t] = a[i]^t / L'(a[i]), and row i of B^T holds the coefficients of L(x) / (x -
/// a[i]), the last those of L(x). At infinity only the last output and the last tap count: a filter of fewer taps needs
/// no product there.
template <int m, int r>
struct Winograd {
  static constexpr int inputs = m + r - 1, points = m + r - 1;
  template <int rows, int columns>
  using Table = std::array<std::array<double, columns>, rows>;

  struct Matrices {
    Table<points, points> source{};  ///< B^T
    Table<m, points> outputs{};      ///< A^T
    Table<points, m> gradient{};     ///< A
    Table<r, points> taps{};         ///< G^T
  };

  static constexpr Matrices make() {
    Matrices a;
    const auto set_output = [&a](std::size_t j, std::size_t i, double value) {
      a.outputs[j][i] = a.gradient[i][j] = value;
    };
    if (m == 1 || r == 1) {  // nothing to save
      for (std::size_t i = 0; i < points; ++i) {
        a.source[i][i] = 1;
        a.taps[r == 1 ? 0 : i][i] = 1;
        set_output(m == 1 ? 0 : i, i, 1);
      }
      return a;
    }
    constexpr std::array<double, 7> point = interpolation_points(points - 1);
    constexpr std::size_t infinity = points - 1;
    for (std::size_t i = 0; i < points; ++i) {
      auto& product = a.source[i];
      product[0] = 1;
      double slope = 1;
      for (std::size_t k = 0, degree = 0; k < infinity; ++k) {
        if (k == i) continue;
        ++degree;
        for (std::size_t c = degree + 1; c-- > 0;) product[c] = (c > 0 ? product[c - 1] : 0) - point[k] * product[c];
        if (i < infinity) slope *= point[i] - point[k];
      }
      const auto power = [&point, i](std::size_t exponent, std::size_t last) {
        if (i == infinity) return exponent == last ? 1.0 : 0.0;
        double value = 1;
        for (std::size_t e = 0; e < exponent; ++e) value *= point[i];
        return value;
      };
      for (std::size_t t = 0; t < r; ++t) a.taps[t][i] = power(t, r - 1) / slope;
      for (std::size_t j = 0; j < m; ++j) set_output(j, i, power(j, m - 1));
    }
    return a;
  }
  static constexpr Matrices matrices = make();
  static constexpr auto source = matrices.source;
  static constexpr auto outputs = matrices.outputs;
  static constexpr auto gradient = matrices.gradient;
  static constexpr auto taps = matrices.taps;
};

/// The same numbers the other way round, for s inputs with nothing but zeros around them: all s + r - 1 outputs that
/// they reach, y[j] = sum over t < r of d[j + t - (r - 1)] g[t], by as many products, y = B ((G g') * (A d)) with g'
/// the taps in reverse and the matrices of F(s, r). That is the transpose of F(s, r), as an input gradient is that of
/// an output pass.
template <int s, int r>
struct FullWinograd {
  static constexpr int inputs = s, points = s + r - 1;
  using Plain = Winograd<s, r>;

  template <std::size_t rows, std::size_t columns>
  static constexpr auto transpose(const std::array<std::array<double, columns>, rows>& from) {
    std::array<std::array<double, rows>, columns> to{};
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) to[j][i] = from[i][j];
    return to;
  }
  static constexpr auto source = Plain::gradient;
  static constexpr auto outputs = transpose(Plain::source);
  static constexpr auto gradient = Plain::source;
  static constexpr auto taps = [] {
    auto reversed = Plain::taps;
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
  }();
};

namespace internal {

/// sum over i of Row[i] * in[i] for a row of constants: no product with 0 and none with 1.
template <class S, const auto& matrix, std::size_t row, std::size_t columns>
EIGEN_STRONG_INLINE Packet<S> combine(const Packet<S>* in) {
  Packet<S> sum = broadcast(S(0));
  bool empty = true;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto term = [&]<std::size_t i>() {
      constexpr double factor = matrix[row][i];
      if constexpr (factor != 0) {
        if (empty)
          sum = factor == 1 ? in[i] : multiply<S>(in[i], broadcast(static_cast<S>(factor)));
        else if constexpr (factor == 1)
          sum = add<S>(sum, in[i]);
        else
          sum = multiply_add<S>(in[i], broadcast(static_cast<S>(factor)), sum);
        empty = false;
      }
    };
    (term.template operator()<I>(), ...);
  }
  (std::make_index_sequence<columns>{});
  return sum;
}

/// out[p * step + c] = sum over i of matrix[p][i] * in[i][c] for c < count, with every tile_packets packets of an
/// output `skip` scalars behind those before. Of the last packet, the part behind the count is read as zeros and
/// written if `FromPixels`; else it is read and not written.
template <class S, const auto& matrix, bool FromPixels>
void transform_line(const S* const* in, S* out, Index step, Index count, Index skip) {
  constexpr std::size_t outputs = matrix.size(), inputs = matrix[0].size();
  constexpr Index size = packet_size<S>;
  std::array<const S*, inputs> from;  // a copy: the stores below might change the caller's, for all the compiler knows
  std::copy_n(in, inputs, from.begin());
  const auto run = [&]<bool Part>(Index c) {
    Packet<S> x[inputs];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < inputs; ++i)
      x[i] = Part && FromPixels ? load_part(from[i] + c, count - c) : load(from[i] + c);
    [&]<std::size_t... P>(std::index_sequence<P...>) {
      S* to = out + c + c / (tile_packets * size) * skip;
      const auto write = [&](const Packet<S>& sum) {
        if constexpr (Part && !FromPixels)
          store_part(to, sum, count - c);
        else
          store(to, sum);
        to += step;
      };
      (write(combine<S, matrix, P, inputs>(x)), ...);
    }
    (std::make_index_sequence<outputs>{});
  };
  Index c = 0;
  for (; c + size <= count; c += size) run.template operator()<false>(c);
  if (c < count) run.template operator()<true>(c);
}

}  // namespace internal

/// One of an F(m, r)'s matrices, applied to `inputs` runs of channels and giving `outputs`, which begin `step` apart.
/// It leads from pixels to scratch memory, whose runs are whole packets, or back.
template <class S>
struct LineTransform {
  int inputs, outputs;
  bool from_pixels;
  void (*run)(const S* const* in, S* out, Index step, Index count, Index skip);
};

/// F(m, r) with its numbers chosen at run time.
template <class S>
struct WinogradTransform {
  static constexpr int most_taps = 3, most_points = 8;
  int outputs, taps, points;
  LineTransform<S> source, destination, gradient, taps_gradient;  ///< B^T; A^T; A; G^T
  double weights[most_points][most_taps];                         ///< G
};

namespace internal {

template <class S, class W, int m, int r>
constexpr WinogradTransform<S> make_transform() {
  WinogradTransform<S> t{m,
                         r,
                         W::points,
                         {W::inputs, W::points, true, transform_line<S, W::source, true>},
                         {W::points, m, false, transform_line<S, W::outputs, false>},
                         {m, W::points, true, transform_line<S, W::gradient, true>},
                         {W::points, r, false, transform_line<S, W::taps, false>},
                         {}};
  for (std::size_t i = 0; i < W::points; ++i)
    for (std::size_t k = 0; k < r; ++k) t.weights[i][k] = W::taps[k][i];
  return t;
}

/// By outputs - 1 + most_points * (taps - 1): those of no more than most_points.
template <class S, bool Full>
constexpr auto make_transforms() {
  constexpr int most = WinogradTransform<S>::most_points, taps = WinogradTransform<S>::most_taps;
  return []<std::size_t... I>(std::index_sequence<I...>) {
    const auto one = []<int i>() -> WinogradTransform<S> {
      constexpr int m = i % most + 1, r = i / most + 1;
      if constexpr (Full && m >= r && r > 1)
        return make_transform<S, FullWinograd<m - r + 1, r>, m, r>();
      else if constexpr (!Full && m + r - 1 <= most && (r > 1 || m == 1))
        return make_transform<S, Winograd<m, r>, m, r>();
      else
        return {};
    };
    return std::array{one.template operator()<static_cast<int>(I)>()...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(most * taps)>{});
}

}  // namespace internal

/// F(outputs, taps) of at most 8 points and 3 taps; `full`: its inputs have zeros around them (FullWinograd).
template <class S>
const WinogradTransform<S>& winograd_transform(Index outputs, Index taps, bool full) {
  static constexpr auto plain_table = internal::make_transforms<S, false>(),
                        full_table = internal::make_transforms<S, true>();
  const auto i = static_cast<std::size_t>((taps - 1) * WinogradTransform<S>::most_points + outputs - 1);
  return full ? full_table[i] : plain_table[i];
}

namespace internal {

/// Channels that go through a tile's transforms at a time, so that what lies between the two axes stays in the
/// first-level cache.
inline constexpr Index winograd_channels = 64;

/// Both axes of a tile: its result (p, q) = sum over i, j of y[p][i] x[q][j] in(i, j), each a run of `channels`
/// scalars. `in` gives null for zeros; result (p, q) is written to out(p) + q * step, with `skip` as transform_line has
/// it.
template <class S, class In, class Out>
void transform_tile(const LineTransform<S>& y, const LineTransform<S>& x, Index channels, const In& in, const Out& out,
                    Index step, Index skip = 0) {
  constexpr int most = WinogradTransform<S>::most_points;
  alignas(64) static constexpr S zeros[winograd_channels] = {};
  alignas(64) S between[most * most * winograd_channels];
  const S* sources[most];
  for (Index c = 0; c < channels; c += winograd_channels) {
    const Index count = std::min(winograd_channels, channels - c);
    const Index whole = (count + packet_size<S> - 1) / packet_size<S> * packet_size<S>;
    for (int j = 0; j < x.inputs; ++j) {
      for (int i = 0; i < y.inputs; ++i) {
        const S* from = in(i, j);
        sources[i] = from ? from + c : zeros;
      }
      y.run(sources, between + j * winograd_channels, x.inputs * winograd_channels, y.from_pixels ? count : whole, 0);
    }
    for (int p = 0; p < y.outputs; ++p) {
      for (int j = 0; j < x.inputs; ++j) sources[j] = between + (p * x.inputs + j) * winograd_channels;
      x.run(sources, out(p) + c + c / (tile_packets * packet_size<S>)*skip, step, x.from_pixels ? whole : count, skip);
    }
  }
}

}  // namespace internal

RIVAL_INSTANTIATE_FUNCTION(winograd_transform);

}  // namespace rival::kernels
