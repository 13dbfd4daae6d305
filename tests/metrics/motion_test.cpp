#include "rival/metrics/motion.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"

using namespace rival;

namespace {

/// A clip of h x w whose only bright pixel is at these places, one a frame.
Tensor<double> dot_clip(Index h, Index w, const std::vector<std::array<Index, 2>>& places) {
  Tensor<double> clip({1, static_cast<Index>(places.size()), h, w, 1}, -1);
  for (std::size_t t = 0; t < places.size(); ++t)
    clip[(static_cast<Index>(t) * h + places[t][0]) * w + places[t][1]] = 1;
  return clip;
}

/// Of pictures 2 x 2: classes "the last pixel is bright" and "it is dark"; its features are the pixels.
Classifier<float> bright_or_dark() {
  Classifier<float> classifier({2, 2, 1}, Sequential<float>(Flatten<float>(), Dense<float>({.in = 4, .out = 2})));
  for (auto* parameter : classifier.parameters()) parameter->value.array() = 0;
  auto& weight = classifier.parameters()[0]->value;
  weight[3 * 2] = 1;
  weight[3 * 2 + 1] = -1;
  return classifier;
}

}  // namespace

TEST_CASE("motion: centroids are the mean places of the brightness") {
  const Tensor<double> dots = frame_centroids(dot_clip(4, 6, {{1, 2}, {3, 5}}));
  CHECK(dots.shape() == Shape{1, 2, 2});
  CHECK((dots[0] == 1 && dots[1] == 2 && dots[2] == 3 && dots[3] == 5));
  // Half as bright (0 is half way from black to white) on one side: a third of the way.
  Tensor<float> pair({1, 1, 1, 4, 1}, -1.0f);
  pair[0] = 1;
  pair[3] = 0;
  CHECK(frame_centroids(pair)[1] == Approx(1.0));
  // Channels are taken together; below black is black; a black frame has its middle.
  const Tensor<float> colours({1, 2, 1, 3, 2}, {1, -1, -1, -1, -1, 1, -1, -1, -3, -1, -1, -1});
  const Tensor<double> of_colours = frame_centroids(colours);
  CHECK(of_colours[1] == 1);
  CHECK(of_colours[3] == 1);
}

TEST_CASE("motion: frames are cut out about their centroid, with black beyond the edge") {
  Tensor<double> clip = dot_clip(5, 5, {{2, 2}, {0, 4}});
  clip[2 * 5 + 3] = -1 + 1e-9;  // no shift, but seen
  const Tensor<double> cut = centred_frames(clip, 4, 2);
  REQUIRE(cut.shape() == Shape{2, 4, 2, 1});
  for (Index i = 0; i < cut.size(); ++i) {
    // The dot is in the middle, at (2, 1), in both.
    const double expected = i % 8 == 2 * 2 + 1 ? 1.0 : -1.0;
    CHECK(cut[i] == expected);
  }
  const Tensor<double> wide = centred_frames(clip, 3, 4);  // the dot at (1, 2)
  CHECK(wide[1 * 4 + 2] == 1);
  CHECK(wide[1 * 4 + 3] == -1 + 1e-9);
}

TEST_CASE("motion: steps and second differences of points by hand") {
  // Straight on at a step of 5, and back after 3 frames; a clip that stands still.
  const Tensor<double> points({2, 4, 2}, {0, 0, 3, 4, 6, 8, 3, 4,  //
                                          1, 1, 1, 1, 1, 1, 1, 1});
  CHECK(mean_step(points) == Approx((5.0 + 5 + 5 + 0 * 3) / 6));
  CHECK(mean_second_difference(points) == Approx((0.0 + 10 + 0 * 2) / 4));
}

TEST_CASE("motion: the average content distance is that of all pairs of frames") {
  const Tensor<float> features({2, 3, 2}, {0, 0, 3, 4, 0, 0,  //
                                           1, 1, 1, 1, 1, 1});
  CHECK(average_content_distance(features) == Approx((5.0 + 5 + 0) / 6));
}

TEST_CASE("motion: clips of one class are counted") {
  CHECK(same_class_share({1, 1, 1, 2, 2, 1}, 3) == 0.5);
  CHECK(same_class_share({1, 2, 3}, 1) == 1);
  CHECK_THROWS_WITH(same_class_share({1, 2, 3}, 2), "motion: expected clips of 2 classes each, got 3");
}

TEST_CASE("motion: all figures of clips together") {
  // A dot is cut out into the last pixel of 2 x 2; a black frame leaves it dark.
  const auto classifier = bright_or_dark();
  Tensor<float> clips({2, 3, 3, 3, 1}, -1.0f);
  for (Index t = 0; t < 3; ++t) clips[t * 9 + 3 + t] = 1;  // along the middle row
  clips[27 + 4] = clips[27 + 9 + 4] = 1;                   // and one that goes out in the last frame
  const MotionFigures figures = motion_figures(clips, classifier);
  CHECK(figures.same_class == 0.5);
  CHECK(figures.step == Approx((1.0 + 1 + 0 + 0) / 4));
  CHECK(figures.second_difference == Approx(0).margin(1e-12));
  CHECK(figures.content_distance == Approx((0.0 + 2 + 2) / 6));
  CHECK(figures.classes == std::vector<Index>{2, 0});
}

TEST_CASE("motion: what cannot be measured is refused") {
  const auto classifier = bright_or_dark();
  CHECK_THROWS_WITH(motion_figures(Tensor<float>({1, 2, 3, 3, 1}), classifier),
                    "motion: expected clips of at least 3 frames, got 2");
  CHECK_THROWS_WITH(motion_figures(Tensor<float>({1, 3, 3, 3}), classifier),
                    "motion: expected clips N x T x H x W x C, got 1x3x3x3");
  CHECK_THROWS_WITH(motion_figures(Tensor<float>({1, 3, 3, 3, 2}), classifier),
                    "motion: expected a classifier of pictures of 2 channels, got one of 2x2x1");
  Tensor<float> broken({2, 3, 3, 3, 1});
  broken[30] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(frame_centroids(broken), "motion: expected finite clips, got nan in clip 1");
  CHECK_THROWS_WITH(mean_second_difference(Tensor<double>({1, 2, 2})),
                    "motion: expected N x T x D with T >= 3, got 1x2x2");
  CHECK_THROWS_WITH(average_content_distance(Tensor<float>({1, 1, 2})),
                    "average content distance: expected features N x T x D with T >= 2, got 1x1x2");
  CHECK_THROWS_WITH(centred_frames(Tensor<float>({1, 1, 2, 2, 1}), 0, 2),
                    "motion: expected pictures of at least 1 pixel, got 0x2");
}
