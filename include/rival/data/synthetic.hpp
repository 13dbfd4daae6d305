#pragma once
// Mixtures of Gaussians in the plane: the data sets on which mode collapse can be counted.

#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "rival/core/random.hpp"

namespace rival {

/// A mixture whose centres lie on a circle.
struct RingOptions {
  Index modes = 8;      ///< centres
  double radius = 1;    ///< of the circle
  double sigma = 0.01;  ///< standard deviation around a centre, along both axes
};

/// A mixture whose centres lie on a square grid around (0, 0).
struct SquareGridOptions {
  Index side = 5;       ///< modes along a side
  double spacing = 2;   ///< between neighbouring centres, along both axes
  double sigma = 0.05;  ///< standard deviation around a centre, along both axes
};

/// Points around centres in the plane, all centres equally likely, with the same standard deviation `sigma` along both
/// axes.
struct GaussianMixture {
  std::vector<std::array<double, 2>> centres;  ///< x and y of each
  double sigma = 1;                            ///< standard deviation around a centre, along both axes

  /// Centres evenly around a circle, the first at (radius, 0). The defaults are the 2D-ring of Lin, Khetan, Fanti and
  /// Oh
  /// ("PacGAN: The power of two samples in generative adversarial networks", 2018).
  /// Throws Error for options that are not positive.
  static GaussianMixture ring(const RingOptions& options = {}) {
    GaussianMixture mixture{{}, options.sigma};
    require(options.modes >= 1 && options.radius > 0 && options.sigma > 0,
            "ring: expected positive modes, radius and sigma, got ", options.modes, ", ", options.radius, " and ",
            options.sigma);
    for (Index i = 0; i < options.modes; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(options.modes);
      mixture.centres.push_back({options.radius * std::cos(angle), options.radius * std::sin(angle)});
    }
    return mixture;
  }

  /// Centres on a square grid around the origin, row by row from the lowest. The defaults are PacGAN's 2D-grid: 25
  /// modes at the coordinates -4, -2, 0, 2, 4. Throws Error for options that are not positive.
  static GaussianMixture grid(const SquareGridOptions& options = {}) {
    GaussianMixture mixture{{}, options.sigma};
    require(options.side >= 1 && options.spacing > 0 && options.sigma > 0,
            "grid: expected positive side, spacing and sigma, got ", options.side, ", ", options.spacing, " and ",
            options.sigma);
    const auto place = [&](Index i) {
      return options.spacing * (static_cast<double>(i) - static_cast<double>(options.side - 1) / 2);
    };
    for (Index row = 0; row < options.side; ++row)
      for (Index column = 0; column < options.side; ++column) mixture.centres.push_back({place(column), place(row)});
    return mixture;
  }

  /// Number of centres.
  Index modes() const { return static_cast<Index>(centres.size()); }

  /// The standard deviation of a coordinate, both axes taken together: sqrt of the mean of (|x - mean|^2) / 2.
  double deviation() const {
    std::array<double, 2> sum{};
    double squares = 0;
    for (const auto& [x, y] : centres) sum[0] += x, sum[1] += y, squares += x * x + y * y;
    const double n = static_cast<double>(centres.size());
    return std::sqrt((squares / n - (sum[0] * sum[0] + sum[1] * sum[1]) / (n * n)) / 2 + sigma * sigma);
  }

  /// Fills `points` {N, 2} with independent points. Allocates nothing. Throws Error for another shape, or without
  /// centres.
  template <class S>
  void sample(Tensor<S>& points, Random& random) const {
    require(points.rank() == 2 && points.dim(1) == 2, "mixture: expected a tensor of points, N x 2, got ",
            points.shape());
    require(!centres.empty(), "mixture: expected at least one centre, got none");
    random.fill_normal(points, S(0), static_cast<S>(sigma));
    for (Index i = 0; i < points.dim(0); ++i) {
      const auto& [x, y] = centres[static_cast<std::size_t>(random.below(modes()))];
      points(i, 0) += static_cast<S>(x);
      points(i, 1) += static_cast<S>(y);
    }
  }
};

}  // namespace rival
