#pragma once
// The sliced Wasserstein distance, and between images that of their patches at several sizes: needs no classifier.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/core/sort_numbers.hpp"
#include "rival/metrics/neighbours.hpp"

namespace rival {

/// The mean over directions of the distance of Wasserstein, W1, between the two sets as each direction sees them: with
/// N vectors {N, D} a side it is the mean of |sorted a d - sorted b d| (Rabin, Peyre, Delon and Bernot, "Wasserstein
/// barycenter and its application to texture mixing", 2011). `directions` {K, D} count as they are, of whatever length.
/// Throws Error when the shapes do not fit each other.
inline double sliced_wasserstein(const Tensor<double>& a, const Tensor<double>& b, const Tensor<double>& directions) {
  internal::require_same_features("sliced_wasserstein", a, b);
  internal::require_features("sliced_wasserstein", directions);
  require(a.dim(0) == b.dim(0), "sliced_wasserstein: expected as many vectors on both sides, got ", a.dim(0), " and ",
          b.dim(0));
  require(directions.dim(1) == a.dim(1), "sliced_wasserstein: expected directions of ", a.dim(1), " numbers, got ",
          directions.dim(1));
  const Index count = a.dim(0), length = a.dim(1), slices = directions.dim(0);
  Tensor<double> seen_a({slices, count}), seen_b({slices, count});
  kernels::matrix_product<double>(slices, length, count, directions.data(), a.data(), true, seen_a.data(), {});
  kernels::matrix_product<double>(slices, length, count, directions.data(), b.data(), true, seen_b.data(), {});
  std::vector<double> distances(static_cast<std::size_t>(slices));
  parallel_for(slices, 60.0 * static_cast<double>(slices * count), [&](Index k) {
    double *x = seen_a.data() + k * count, *y = seen_b.data() + k * count;
    internal::sort_numbers(x, count);
    internal::sort_numbers(y, count);
    double sum = 0;
    for (Index i = 0; i < count; ++i) sum += std::abs(x[i] - y[i]);
    distances[static_cast<std::size_t>(k)] = sum / static_cast<double>(count);
  });
  double sum = 0;
  for (const double distance : distances) sum += distance;
  return sum / static_cast<double>(slices);
}

namespace internal {

/// Weights of the pyramid's filter along an axis (Burt and Adelson, "The Laplacian pyramid as a compact image code",
/// 1983).
inline constexpr std::array<double, 5> pyramid_filter = {1.0 / 16, 4.0 / 16, 6.0 / 16, 4.0 / 16, 1.0 / 16};

/// Where place i lies in 0 ... size - 1, beyond whose ends everything is mirrored in the last pixel.
inline Index mirrored(Index i, Index size) {
  if (size == 1) return 0;
  const Index period = 2 * (size - 1);
  i = (i % period + period) % period;
  return i < size ? i : period - i;
}

/// For each of `count` places, `step` apart, the five places of an axis of `size` that the filter reads around it.
inline std::vector<std::array<Index, 5>> filter_places(Index count, Index step, Index size) {
  std::vector<std::array<Index, 5>> places(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i)
    for (Index tap = 0; tap < 5; ++tap)
      places[static_cast<std::size_t>(i)][static_cast<std::size_t>(tap)] = mirrored(step * i + tap - 2, size);
  return places;
}

/// Images {N, H, W, C} filtered along both axes, every second pixel kept: {N, (H + 1) / 2, (W + 1) / 2, C}.
inline Tensor<double> halved(const Tensor<double>& images) {
  const Index n = images.dim(0), h = images.dim(1), w = images.dim(2), c = images.dim(3);
  const Index small_h = (h + 1) / 2, small_w = (w + 1) / 2;
  const auto rows = filter_places(small_h, 2, h), columns = filter_places(small_w, 2, w);
  Tensor<double> small({n, small_h, small_w, c});
  parallel_for(n, 50.0 * static_cast<double>(images.size()), [&](Index k) {
    const double* image = images.data() + k * h * w * c;
    double* out = small.data() + k * small_h * small_w * c;
    for (const auto& row : rows)
      for (const auto& column : columns)
        for (Index channel = 0; channel < c; ++channel) {
          double sum = 0;
          for (std::size_t i = 0; i < 5; ++i)
            for (std::size_t j = 0; j < 5; ++j)
              sum += pyramid_filter[i] * pyramid_filter[j] * image[(row[i] * w + column[j]) * c + channel];
          *out++ = sum;
        }
  });
  return small;
}

/// Small images as large ones of H x W again: zeros between the pixels, the filter along both axes, times 4.
inline Tensor<double> doubled(const Tensor<double>& small, Index h, Index w) {
  const Index n = small.dim(0), small_h = small.dim(1), small_w = small.dim(2), c = small.dim(3);
  const auto rows = filter_places(h, 1, h), columns = filter_places(w, 1, w);
  Tensor<double> images({n, h, w, c});
  parallel_for(n, 50.0 * static_cast<double>(images.size()), [&](Index k) {
    const double* image = small.data() + k * small_h * small_w * c;
    double* out = images.data() + k * h * w * c;
    for (const auto& row : rows)
      for (const auto& column : columns)
        for (Index channel = 0; channel < c; ++channel) {
          double sum = 0;
          for (std::size_t i = 0; i < 5; ++i)
            for (std::size_t j = 0; j < 5; ++j)
              if (row[i] % 2 == 0 && column[j] % 2 == 0)
                sum +=
                    pyramid_filter[i] * pyramid_filter[j] * image[(row[i] / 2 * small_w + column[j] / 2) * c + channel];
          *out++ = 4 * sum;
        }
  });
  return images;
}

/// What each size of an image adds to the next smaller one, finest first; the last is the smallest image itself. Sizes
/// are halved while both sides stay at least `least`.
inline std::vector<Tensor<double>> laplacian_pyramid(Tensor<double> images, Index least) {
  std::vector<Tensor<double>> levels;
  while ((std::min(images.dim(1), images.dim(2)) + 1) / 2 >= least) {
    Tensor<double> small = halved(images);
    images.array() -= doubled(small, images.dim(1), images.dim(2)).array();
    levels.push_back(std::move(images));
    images = std::move(small);
  }
  levels.push_back(std::move(images));
  return levels;
}

/// `count` patches {count, size * size * C}, patch i of image i modulo their number at a place drawn from `random`;
/// each channel then with mean 0 and deviation 1.
inline Tensor<double> patches(const Tensor<double>& images, Index size, Index count, Random& random) {
  const Index c = images.dim(3);
  Tensor<double> all({count, size * size * c});
  for (Index i = 0; i < count; ++i) {
    const Index y = random.below(images.dim(1) - size + 1), x = random.below(images.dim(2) - size + 1);
    for (Index row = 0; row < size; ++row)
      std::copy_n(&images.data()[((i % images.dim(0) * images.dim(1) + y + row) * images.dim(2) + x) * c], size * c,
                  all.data() + (i * size + row) * size * c);
  }
  MatrixMap<double> pixels(all.data(), count * size * size, c);
  for (Index channel = 0; channel < c; ++channel) {
    auto values = pixels.col(channel).array();
    values -= values.mean();
    const double deviation = std::sqrt(values.square().mean());
    if (deviation > 0) values /= deviation;
  }
  return all;
}

}  // namespace internal

/// What of the images is compared.
struct PatchDistanceOptions {
  Index patch = 7;         ///< height and width of a patch
  Index patches = 65'536;  ///< of either side, at each size
  Index directions = 128;  ///< random ones, along which patches are compared
  Index least = 14;        ///< images are halved while both sides stay at least that long
};

/// The sliced Wasserstein distance between patches of real and of generated images {N, H, W, C}, times 1000, at each
/// size of the Laplacian pyramid, finest first: structure is compared size by size, without any classifier (Karras,
/// Aila, Laine and Lehtinen, "Progressive growing of GANs", 2018, with fewer patches, of all images in turns).
///
/// Throws Error for images of different height, width or channels, and options that do not go with them.
template <class S>
std::vector<double> patch_distances(const Tensor<S>& real, const Tensor<S>& generated, const PatchDistanceOptions& o,
                                    Random random) {
  require(real.rank() == 4 && generated.rank() == 4 && real.size() > 0 && generated.size() > 0 &&
              real.shape().sample() == generated.shape().sample(),
          "patch_distances: expected images of one shape, N x H x W x C, got ", real.shape(), " and ",
          generated.shape());
  require(o.patch >= 1 && o.least >= o.patch && std::min(real.dim(1), real.dim(2)) >= o.patch,
          "patch_distances: expected a patch of at least 1, at most the ", o.least, " of `least` and the images of ",
          real.dim(1), " x ", real.dim(2), ", got ", o.patch);
  require(o.patches >= 1 && o.directions >= 1, "patch_distances: expected at least 1 patch and direction, got ",
          o.patches, " and ", o.directions);
  const auto pyramid = [&](const Tensor<S>& images) {
    Tensor<double> wide(images.shape());
    wide.array() = images.array().template cast<double>();
    for (Index i = 0; i < wide.size(); ++i)
      require(is_finite(wide[i]), "patch_distances: expected finite pixels, got ", wide[i], " in image ",
              i / images.shape().sample().size());
    return internal::laplacian_pyramid(std::move(wide), o.least);
  };
  const auto of_real = pyramid(real), of_generated = pyramid(generated);
  std::vector<double> distances;
  for (std::size_t level = 0; level < of_real.size(); ++level) {
    const Tensor<double> a = internal::patches(of_real[level], o.patch, o.patches, random),
                         b = internal::patches(of_generated[level], o.patch, o.patches, random);
    Tensor<double> directions({o.directions, a.dim(1)});
    random.fill_normal(directions);
    directions.matrix().rowwise().normalize();
    distances.push_back(1000 * sliced_wasserstein(a, b, directions));
  }
  return distances;
}

}  // namespace rival
