#pragma once
// Points in the plane, drawn over a field of values: samples over a discriminator's scores.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/image/grid.hpp"

namespace rival {

/// What a scatter plot shows, and how large.
struct ScatterOptions {
  double reach = 1;    ///< the picture shows [-reach, reach] along both axes, y upwards
  Index size = 480;    ///< pixels along a side
  double dot = 1.5;    ///< radius of a point, in pixels
  double mark = 8;     ///< radius of the ring around a marked place, in pixels
  double neutral = 0;  ///< the value of the field that is white; greater ones are red, smaller ones blue
};

/// The places {side * side, 2} at which a field is to be known, for `scatter` to draw it: row by row from the top.
template <class S = float>
Tensor<S> field_places(Index side, double reach) {
  require(side >= 2, "field_places: expected at least 2 places along a side, got ", side);
  Tensor<S> places({side * side, 2});
  const auto along = [&](Index i) { return reach * (2 * static_cast<double>(i) / static_cast<double>(side - 1) - 1); };
  for (Index row = 0; row < side; ++row)
    for (Index column = 0; column < side; ++column) {
      places(row * side + column, 0) = static_cast<S>(along(column));
      places(row * side + column, 1) = static_cast<S>(-along(row));
    }
  return places;
}

namespace internal {

using Colour = std::array<double, 3>;

/// `above` laid over `below`, covering a share of it.
inline Colour blend(const Colour& below, const Colour& above, double share) {
  Colour mixed;
  for (std::size_t c = 0; c < 3; ++c) mixed[c] = below[c] + share * (above[c] - below[c]);
  return mixed;
}

/// From blue at -1 over white at 0 to red at 1, light enough for dark points to stand out.
inline Colour diverging(double t) {
  constexpr std::array<Colour, 7> stops{Colour{67, 121, 178},  Colour{134, 177, 213}, Colour{202, 221, 235},
                                        Colour{248, 247, 245}, Colour{249, 215, 196}, Colour{236, 159, 130},
                                        Colour{208, 95, 82}};
  const double place = (std::clamp(t, -1.0, 1.0) + 1) / 2 * static_cast<double>(stops.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(place), stops.size() - 2);
  return blend(stops[low], stops[low + 1], place - static_cast<double>(low));
}

/// A square picture in the making, and the axes it shows.
class Canvas {
 public:
  Canvas(Index size, double reach) : size_(size), reach_(reach), pixels_(static_cast<std::size_t>(size * size)) {}

  Colour& at(Index row, Index column) { return pixels_[static_cast<std::size_t>(row * size_ + column)]; }

  /// A smooth-edged ring around (x, y) of the plane, of pixels from `inner` to `outer` away; a disk if `inner` is below
  /// 0.
  void ring(double x, double y, double inner, double outer, const Colour& colour, double opacity) {
    const double column = (x / reach_ + 1) / 2 * static_cast<double>(size_) - 0.5;
    const double row = (1 - y / reach_) / 2 * static_cast<double>(size_) - 0.5, room = outer + 1;
    const double last = static_cast<double>(size_ - 1);
    // Written so that NaN is outside too.
    if (!(column > -room && column < last + room && row > -room && row < last + room)) return;
    const auto first = [&](double v) { return static_cast<Index>(std::max(0.0, std::ceil(v - room))); };
    const auto end = [&](double v) { return static_cast<Index>(std::min(last, std::floor(v + room))); };
    for (Index i = first(row); i <= end(row); ++i)
      for (Index j = first(column); j <= end(column); ++j) {
        const double distance = std::hypot(static_cast<double>(i) - row, static_cast<double>(j) - column);
        const double share =
            std::clamp(outer + 0.5 - distance, 0.0, 1.0) * std::clamp(distance - inner + 0.5, 0.0, 1.0);
        if (share > 0) at(i, j) = blend(at(i, j), colour, opacity * share);
      }
  }

  Image image() const {
    Image picture{size_, size_, 3, {}};
    picture.bytes.reserve(3 * pixels_.size());
    for (const Colour& pixel : pixels_)
      for (const double value : pixel) picture.bytes.push_back(static_cast<std::uint8_t>(std::lround(value)));
    return picture;
  }

 private:
  Index size_;
  double reach_;
  std::vector<Colour> pixels_;
};

}  // namespace internal

/// A colour picture of `points` {N, 2} as dark dots, over the values `field` at the places of `field_places`, with a
/// ring around each of `marks` {M, 2}. What is twice the field's median distance from `neutral` has three quarters of
/// the colours' range, and still larger values are told apart less and less, so that a few do not bleach the rest.
/// Throws Error for tensors of other shapes and options out of range. Points that are not in the picture are left out.
template <class S>
Image scatter(const Tensor<S>& points, const Tensor<S>& field, const Tensor<S>& marks,
              const ScatterOptions& options = {}) {
  using internal::Colour;
  for (const Tensor<S>* places : {&points, &marks})
    require(places->rank() == 2 && places->dim(1) == 2, "scatter: expected points and marks, N x 2, got ",
            places->shape());
  const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(field.size()))));
  require(side >= 2 && side * side == field.size(),
          "scatter: expected a field of at least 2 x 2 values in a square, got ", field.size());
  require(options.size >= 2 && options.size <= 8192, "scatter: expected a size of 2 to 8192 pixels, got ",
          options.size);
  require(options.reach > 0 && is_finite(options.reach), "scatter: expected a positive reach, got ", options.reach);

  std::vector<double> values, distances;
  for (Index i = 0; i < field.size(); ++i) {
    const double value = static_cast<double>(field[i]) - options.neutral;
    values.push_back(is_finite(value) ? value : 0);
    distances.push_back(std::abs(values.back()));
  }
  const auto middle = distances.begin() + field.size() / 2;
  std::nth_element(distances.begin(), middle, distances.end());
  const double unit = *middle > 0 ? 2 * *middle : 1;

  internal::Canvas canvas(options.size, options.reach);
  const double step = static_cast<double>(side - 1) / static_cast<double>(options.size);
  for (Index row = 0; row < options.size; ++row)
    for (Index column = 0; column < options.size; ++column) {
      const double y = (static_cast<double>(row) + 0.5) * step, x = (static_cast<double>(column) + 0.5) * step;
      const auto top = std::min(static_cast<Index>(y), side - 2), left = std::min(static_cast<Index>(x), side - 2);
      const double down = y - static_cast<double>(top), right = x - static_cast<double>(left);
      const double* corner = values.data() + top * side + left;
      const double value = (1 - down) * ((1 - right) * corner[0] + right * corner[1]) +
                           down * ((1 - right) * corner[side] + right * corner[side + 1]);
      canvas.at(row, column) = internal::diverging(std::tanh(value / unit));
    }
  for (Index i = 0; i < marks.dim(0); ++i)
    canvas.ring(static_cast<double>(marks(i, 0)), static_cast<double>(marks(i, 1)), options.mark - 0.75,
                options.mark + 0.75, Colour{90, 90, 90}, 0.8);
  for (Index i = 0; i < points.dim(0); ++i)
    canvas.ring(static_cast<double>(points(i, 0)), static_cast<double>(points(i, 1)), -1, options.dot,
                Colour{24, 32, 48}, 0.45);
  return canvas.image();
}

}  // namespace rival
