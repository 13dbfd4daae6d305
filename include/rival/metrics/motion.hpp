#pragma once
// What clips show: whether a thing stays the same in them, and how it moves.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/tensor.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

namespace internal {

template <class S>
void require_clips(const Tensor<S>& clips) {
  require(clips.rank() == 5 && !clips.empty(), "motion: expected clips N x T x H x W x C, got ", clips.shape());
  for (Index i = 0; i < clips.size(); ++i)
    require(is_finite(clips[i]), "motion: expected finite clips, got ", clips[i], " in clip ",
            i / (clips.size() / clips.dim(0)));
}

inline void require_tracks(const Tensor<double>& tracks, Index least) {
  require(tracks.rank() == 3 && tracks.dim(0) >= 1 && tracks.dim(1) >= least,
          "motion: expected N x T x D with T >= ", least, ", got ", tracks.shape());
}

}  // namespace internal

/// The centroid (row, column) of each frame, in pixels: {N, T, 2} of clips {N, T, H, W, C} with values in [-1, 1],
///
///     sum_p (v_p + 1) p / sum_p (v_p + 1),
///
/// of all channels together; the middle of a frame that is black throughout. Throws Error for clips that are not
/// finite.
template <class S>
Tensor<double> frame_centroids(const Tensor<S>& clips) {
  internal::require_clips(clips);
  const Index h = clips.dim(2), w = clips.dim(3), c = clips.dim(4);
  Tensor<double> centroids({clips.dim(0), clips.dim(1), 2});
  const S* value = clips.data();
  for (Index frame = 0; frame < centroids.size() / 2; ++frame) {
    double total = 0, rows = 0, columns = 0;
    for (Index y = 0; y < h; ++y)
      for (Index x = 0; x < w; ++x)
        for (Index k = 0; k < c; ++k) {
          const double mass = std::max(0.0, static_cast<double>(*value++) + 1);
          total += mass;
          rows += mass * static_cast<double>(y);
          columns += mass * static_cast<double>(x);
        }
    centroids[2 * frame] = total > 0 ? rows / total : static_cast<double>(h - 1) / 2;
    centroids[2 * frame + 1] = total > 0 ? columns / total : static_cast<double>(w - 1) / 2;
  }
  return centroids;
}

/// What lies about the centroid of each frame, as pictures {N T, height, width, C}: the centroid, rounded to a pixel,
/// is at (height / 2, width / 2), where MNIST has a digit's; beyond the frame it is black. So is a digit that moves cut
/// out for a classifier of still ones.
template <class S>
Tensor<S> centred_frames(const Tensor<S>& clips, Index height, Index width) {
  require(height >= 1 && width >= 1, "motion: expected pictures of at least 1 pixel, got ", height, "x", width);
  const Tensor<double> centroids = frame_centroids(clips);
  const Index h = clips.dim(2), w = clips.dim(3), c = clips.dim(4), frames = centroids.size() / 2;
  Tensor<S> pictures({frames, height, width, c});
  pictures.fill(S(-1));
  for (Index frame = 0; frame < frames; ++frame) {
    const Index top = static_cast<Index>(std::lround(centroids[2 * frame])) - height / 2,
                left = static_cast<Index>(std::lround(centroids[2 * frame + 1])) - width / 2,
                first = std::max<Index>(0, left), last = std::min(w, left + width);
    for (Index y = std::max<Index>(0, top); y < std::min(h, top + height) && first < last; ++y)
      std::copy_n(clips.data() + ((frame * h + y) * w + first) * c, (last - first) * c,
                  pictures.data() + ((frame * height + y - top) * width + first - left) * c);
  }
  return pictures;
}

/// The mean length of a step from one frame's point to the next one's; points {N, T, D}, T >= 2.
inline double mean_step(const Tensor<double>& points) {
  internal::require_tracks(points, 2);
  const Index n = points.dim(0), t = points.dim(1), d = points.dim(2);
  double sum = 0;
  for (Index i = 0; i < n * t; ++i) {
    if (i % t < 1) continue;
    double square = 0;
    for (Index k = 0; k < d; ++k) square += std::pow(points[i * d + k] - points[(i - 1) * d + k], 2);
    sum += std::sqrt(square);
  }
  return sum / static_cast<double>(n * (t - 1));
}

/// The mean length of the second difference x(t + 1) - 2 x(t) + x(t - 1): 0 for what goes straight on at one speed;
/// points {N, T, D}, T >= 3.
inline double mean_second_difference(const Tensor<double>& points) {
  internal::require_tracks(points, 3);
  const Index n = points.dim(0), t = points.dim(1), d = points.dim(2);
  double sum = 0;
  for (Index i = 0; i < n * t; ++i) {
    if (i % t < 2) continue;
    double square = 0;
    for (Index k = 0; k < d; ++k)
      square += std::pow(points[i * d + k] - 2 * points[(i - 1) * d + k] + points[(i - 2) * d + k], 2);
    sum += std::sqrt(square);
  }
  return sum / static_cast<double>(n * (t - 2));
}

/// The average content distance (Tulyakov, Liu, Yang and Kautz, "MoCoGAN: Decomposing motion and content for video
/// generation", 2018): the mean Euclidean distance of the features of any two frames of a clip, over all clips. It is 0
/// where a clip shows the same in all frames. Features {N, T, D}, T >= 2.
template <class S>
double average_content_distance(const Tensor<S>& features) {
  require(features.rank() == 3 && features.dim(0) >= 1 && features.dim(1) >= 2,
          "average content distance: expected features N x T x D with T >= 2, got ", features.shape());
  const Index n = features.dim(0), t = features.dim(1), d = features.dim(2);
  double sum = 0;
  for (Index i = 0; i < n; ++i)
    for (Index a = 0; a < t; ++a)
      for (Index b = 0; b < a; ++b) {
        double square = 0;
        for (Index k = 0; k < d; ++k)
          square += std::pow(
              static_cast<double>(features[(i * t + a) * d + k]) - static_cast<double>(features[(i * t + b) * d + k]),
              2);
        sum += std::sqrt(square);
      }
  return sum / static_cast<double>(n * t * (t - 1) / 2);
}

/// The share of clips in all of whose frames the same class is seen: classes {N T}, `frames` a clip.
inline double same_class_share(const std::vector<Label>& classes, Index frames) {
  const Index count = static_cast<Index>(classes.size());
  require(frames >= 1 && count >= 1 && count % frames == 0, "motion: expected clips of ", frames, " classes each, got ",
          count);
  Index same = 0;
  for (auto clip = classes.begin(); clip != classes.end(); clip += frames)
    same += std::count(clip, clip + frames, *clip) == frames;
  return static_cast<double>(same) / static_cast<double>(count / frames);
}

/// All of it for clips of one thing that moves in front of black.
struct MotionFigures {
  double same_class = 0;            ///< share of the clips whose frames are all taken for the same class
  double content_distance = 0;      ///< average content distance, by the classifier's features
  double step = 0;                  ///< pixels: mean length of the centroid's way from frame to frame
  double second_difference = 0;     ///< pixels: mean length of its second difference
  std::vector<Index> classes = {};  ///< clips of each class, by what most of a clip's frames are taken for
};

/// What a classifier of pictures says of clips {N, T, H, W, C}, T >= 3, by what lies about the centroid of each frame.
/// Throws Error for clips of fewer frames, of other channels than the classifier's, and that are not finite.
template <class S>
MotionFigures motion_figures(const Tensor<S>& clips, const Classifier<S>& classifier) {
  internal::require_clips(clips);
  const Index n = clips.dim(0), t = clips.dim(1);
  require(t >= 3, "motion: expected clips of at least 3 frames, got ", t);
  const Shape& picture = classifier.input_shape();
  require(picture.rank() == 3 && picture[2] == clips.dim(4), "motion: expected a classifier of pictures of ",
          clips.dim(4), " channels, got one of ", picture);
  const Tensor<double> centroids = frame_centroids(clips);
  MotionFigures figures{.step = mean_step(centroids), .second_difference = mean_second_difference(centroids)};
  auto [features, logits] = classifier.features_and_logits(centred_frames(clips, picture[0], picture[1]));
  const std::vector<Label> classes = predicted_classes(logits);
  figures.same_class = same_class_share(classes, t);
  features.reshape({n, t, features.dim(1)});
  figures.content_distance = average_content_distance(features);
  figures.classes.assign(static_cast<std::size_t>(classifier.classes()), 0);
  for (auto clip = classes.begin(); clip != classes.end(); clip += t) {
    const std::vector<Index> counts = class_counts(std::vector<Label>(clip, clip + t), classifier.classes());
    ++figures.classes[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())];
  }
  return figures;
}

}  // namespace rival
