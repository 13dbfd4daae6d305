#pragma once
// Distortion: random changes to images that leave what they show, for training on more images than there are.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/parallel.hpp"
#include "rival/core/random.hpp"
#include "rival/core/tensor.hpp"
#include "rival/core/workspace.hpp"

namespace rival {

/// How far an image may be changed. All amounts are drawn for each image anew; the defaults change nothing.
struct DistortionOptions {
  double shift = 0;    ///< pixels, down and to the right: uniform in [-shift, shift]
  double rotate = 0;   ///< degrees, anticlockwise: uniform in [-rotate, rotate]
  double scale = 1;    ///< factor of height and width: log-uniform in [1 / scale, scale]
  double stretch = 1;  ///< factor of the width, whose inverse is the height's: log-uniform likewise
  double elastic = 0;  ///< pixels: standard deviation of a pixel's own shift, far from the edge; less near it
  double elastic_radius =
      4;             ///< pixels, few beside the image's: deviation of the Gaussian over which shifts go together
  double flip = 0;   ///< share of the images that are mirrored, left to right
  double noise = 0;  ///< standard deviation of normal noise on each number, in its own unit
  /// What lies outside of an image; where there is none, its edge goes on.
  std::optional<double> fill = {};

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("shift", o.shift);
    f("rotate", o.rotate);
    f("scale", o.scale);
    f("stretch", o.stretch);
    f("elastic", o.elastic);
    f("elastic_radius", o.elastic_radius);
    f("flip", o.flip);
    f("noise", o.noise);
    f("fill", o.fill);
  }
};

namespace internal {

/// The place in an image from which the pixel (i, j) of another one is taken, both counted from the middle:
///
///     y = yy (i - down) + yx (j - right),  x = xy (i - down) + xx (j - right).
struct PixelMap {
  double yy = 1, yx = 0, xy = 0, xx = 1, down = 0, right = 0;
};

/// Writes the image `from` {h, w, c}, mapped, to `to`. `offsets`, if not null, are {2, h, w}: `amount` times these are
/// added to y and x. Between pixels it is bilinear; outside lies `fill`, or the edge.
template <class S>
void warp(const S* from, const Shape& image, const PixelMap& map, const S* offsets, S amount,
          const std::optional<double>& fill, S* to) {
  const Index h = image[0], w = image[1], c = image[2];
  const S yy = static_cast<S>(map.yy), yx = static_cast<S>(map.yx), xy = static_cast<S>(map.xy),
          xx = static_cast<S>(map.xx);
  const S middle_y = static_cast<S>(h - 1) / S(2), middle_x = static_cast<S>(w - 1) / S(2);
  const S top = middle_y + static_cast<S>(map.down), left = middle_x + static_cast<S>(map.right);
  const S outside = static_cast<S>(fill.value_or(0));
  // One pixel beyond the edge all is outside.
  const S least = fill ? S(-1) : S(0), most_y = static_cast<S>(h - 1) - least, most_x = static_cast<S>(w - 1) - least;
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j, to += c) {
      const S down = static_cast<S>(i) - top, right = static_cast<S>(j) - left;
      S y = middle_y + yy * down + yx * right, x = middle_x + xy * down + xx * right;
      if (offsets != nullptr) y += amount * offsets[i * w + j], x += amount * offsets[(h + i) * w + j];
      y = std::clamp(y, least, most_y), x = std::clamp(x, least, most_x);
      const S floor_y = std::floor(y), floor_x = std::floor(x), share_y = y - floor_y, share_x = x - floor_x;
      const Index y0 = static_cast<Index>(floor_y), x0 = static_cast<Index>(floor_x);
      const bool above = y0 >= 0 && y0 < h, below = y0 + 1 < h, before = x0 >= 0 && x0 < w, behind = x0 + 1 < w;
      const Index at = (y0 * w + x0) * c;
      // Where the edge goes on, a neighbour beyond the last row or column has no share.
      for (Index k = 0; k < c; ++k) {
        const S a = above && before ? from[at + k] : outside, b = above && behind ? from[at + c + k] : outside,
                d = below && before ? from[at + w * c + k] : outside,
                e = below && behind ? from[at + (w + 1) * c + k] : outside;
        const S upper = a + share_x * (b - a), lower = d + share_x * (e - d);
        to[k] = upper + share_y * (lower - upper);
      }
    }
}

/// The Gaussian of that deviation at 0, 1, ... as far as 4 deviations; with its mirror image it sums to 1.
inline std::vector<double> gaussian(double deviation) {
  std::vector<double> weights(static_cast<std::size_t>(4 * deviation + 0.5) + 1);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double x = static_cast<double>(i) / deviation;
    weights[i] = std::exp(-x * x / 2);
    sum += (i == 0 ? 1 : 2) * weights[i];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// Convolves h x w numbers by the weights and their mirror image, down and to the right; outside lie zeros. `room` has
/// as many.
template <class S>
void blur(S* values, Index h, Index w, const std::vector<double>& weights, S* room) {
  const Index reach = static_cast<Index>(weights.size()) - 1;
  const auto weight = [&](Index t) { return static_cast<S>(weights[static_cast<std::size_t>(std::abs(t))]); };
  std::fill_n(room, h * w, S(0));
  for (Index i = 0; i < h; ++i)
    for (Index k = std::max<Index>(0, i - reach); k < std::min(h, i + reach + 1); ++k) {
      const S factor = weight(k - i);
      for (Index j = 0; j < w; ++j) room[i * w + j] += factor * values[k * w + j];
    }
  std::fill_n(values, h * w, S(0));
  for (Index i = 0; i < h; ++i)
    for (Index t = -std::min(reach, w - 1); t <= std::min(reach, w - 1); ++t) {
      const S factor = weight(t);
      const S* in = room + i * w + t;
      S* out = values + i * w;
      for (Index j = std::max<Index>(0, -t); j < std::min(w, w - t); ++j) out[j] += factor * in[j];
    }
}

}  // namespace internal

/// Shifts, turns, scales and bends images about their middle, mirrors them, and adds noise: what is left of a digit or
/// a thing that is a little elsewhere or otherwise. Elastic: each pixel's shift is uniform noise blurred by a Gaussian
/// (Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
/// analysis", 2003; their strongest, sigma 4 and alpha 34, is elastic 1.38 with elastic_radius 4).
///
///     rival::Distortion<> distort({.shift = 2, .rotate = 10, .scale = 1.1, .elastic = 1});
///     distort(images, changed, random);
///
/// The bits are the same for any number of threads; once warm it allocates nothing.
template <class S = float>
class Distortion {
 public:
  /// Throws Error for options out of range.
  explicit Distortion(const DistortionOptions& options = {}) : options_(options) {
    const auto& o = options;
    const auto within = [](const char* name, double value, double least, double most) {
      require(value >= least && value <= most, "distortion: expected `", name, "` from ", least, " to ", most, ", got ",
              value);
    };
    within("shift", o.shift, 0, most_pixels);
    within("rotate", o.rotate, 0, 180);
    within("scale", o.scale, 1, most_factor);
    within("stretch", o.stretch, 1, most_factor);
    within("elastic", o.elastic, 0, most_pixels);
    within("elastic_radius", o.elastic_radius, 0.1, most_pixels);
    within("flip", o.flip, 0, 1);
    require(o.noise >= 0 && is_finite(static_cast<S>(o.noise)), "distortion: expected `noise` >= 0, got ", o.noise);
    if (o.fill) require(is_finite(static_cast<S>(*o.fill)), "distortion: expected a finite `fill`, got ", *o.fill);
    weights_ = internal::gaussian(o.elastic_radius);
    double squares = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) squares += (i == 0 ? 1 : 2) * weights_[i] * weights_[i];
    // The variance of uniform numbers in [-1, 1) is 1/3; each of the two ways that they are blurred takes a factor.
    amount_ = static_cast<S>(o.elastic * std::sqrt(3.0) / squares);
  }

  /// The options that it was made with.
  const DistortionOptions& options() const { return options_; }

  /// Writes images {N, H, W, C}, changed by amounts drawn from `random`, to `changed`, which is another tensor. Throws
  /// Error for samples of another rank.
  void operator()(const Tensor<S>& images, Tensor<S>& changed, Random& random) {
    require(images.rank() == 4, "distortion: expected images N x H x W x C, got ", images.shape());
    require(!changed.owns(images), "distortion: expected another tensor to write to, got the images' own");
    const Shape image = images.shape().sample();
    const Index count = images.dim(0), h = image[0], w = image[1], size = image.size(), pixels = h * w;
    changed.resize(images.shape());
    drawn_.resize({count, draws});
    random.fill_uniform(drawn_);
    const bool bends = options_.elastic > 0;
    if (bends) {
      offsets_.resize({count, 2 * pixels});
      random.fill_uniform(offsets_, S(-1), S(1));
    }
    const TaskScratch<S> rooms(bends ? pixels : 0);
    const double work = static_cast<double>(images.size()) * (bends ? 100.0 : 20.0);
    parallel_for(count, work, [&](Index n, Index worker) {
      S* offsets = bends ? offsets_.data() + n * 2 * pixels : nullptr;
      if (bends)
        for (S* field : {offsets, offsets + pixels}) internal::blur(field, h, w, weights_, rooms.of(worker));
      internal::warp(images.data() + n * size, image, map_of(drawn_.data() + n * draws), offsets, amount_,
                     options_.fill, changed.data() + n * size);
    });
    if (options_.noise > 0) {
      noise_.resize(images.shape());
      random.fill_normal(noise_, S(0), static_cast<S>(options_.noise));
      changed.array() += noise_.array();
    }
  }

 private:
  static constexpr Index draws = 6;  // for each image
  static constexpr double most_pixels = 10'000, most_factor = 100;

  internal::PixelMap map_of(const S* drawn) const {
    const auto& o = options_;
    const auto about = [&](int i, double most) { return most * (2 * static_cast<double>(drawn[i]) - 1); };
    const double angle = about(2, o.rotate) * std::numbers::pi / 180, scale = std::exp(about(3, std::log(o.scale))),
                 stretch = std::exp(about(4, std::log(o.stretch)));
    // The way back: first turned, then scaled, then mirrored.
    const double by_height = stretch / scale, by_width = 1 / (stretch * scale),
                 side = static_cast<double>(drawn[5]) < o.flip ? -1 : 1;
    return {by_height * std::cos(angle),       by_height * std::sin(angle), -side * by_width * std::sin(angle),
            side * by_width * std::cos(angle), about(0, o.shift),           about(1, o.shift)};
  }

  DistortionOptions options_;
  std::vector<double> weights_;
  S amount_;
  Tensor<S> drawn_, offsets_, noise_;
};

RIVAL_INSTANTIATE_CLASS(Distortion);

}  // namespace rival
