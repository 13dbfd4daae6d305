#include "pictures.hpp"

#include <algorithm>
#include <cmath>

#include "common/clip_pictures.hpp"
#include "rival/image/scatter.hpp"

namespace {

/// By which images of this height are enlarged to some `pixels`.
rival::Index scale_to(rival::Index pixels, rival::Index height) { return std::max<rival::Index>(1, pixels / height); }

/// Points on white, all of them in the picture.
rival::Image plane(const rival::Tensor<float>& points) {
  const rival::Tensor<float> white({2, 2}), no_marks({0, 2});
  float furthest = 0;
  for (rival::Index i = 0; i < points.size(); ++i)
    if (std::isfinite(points[i])) furthest = std::max(furthest, std::abs(points[i]));
  const double reach = furthest > 0 ? 1.1 * static_cast<double>(furthest) : 1;
  return rival::scatter(points, white, no_marks, {.reach = reach});
}

}  // namespace

Kind kind_of(const rival::Generator<>& generator) {
  const rival::Shape shape = generator.output_shape();
  if (shape.rank() == 3 && (shape[2] == 1 || shape[2] == 3)) return Kind::images;
  if (shape.rank() == 4 && (shape[3] == 1 || shape[3] == 3)) return Kind::clips;
  return shape == rival::Shape{2} ? Kind::points : Kind::neither;
}

rival::Image picture(const rival::Tensor<float>& samples) {
  if (samples.rank() == 2) return plane(samples);
  if (samples.rank() == 5) return clip_sheet(samples, samples.dim(0), 1);
  return rival::grid(samples, {.scale = scale_to(64, samples.dim(1))});
}

rival::Animation walk(const rival::Sampler<>& sampler, const rival::Tensor<float>& latents,
                      const std::vector<rival::Label>& labels) {
  constexpr rival::Index frames = 16;  // from one latent vector to the next
  const rival::Index count = latents.dim(0), length = latents.dim(1);
  const auto law = sampler.law();
  const auto images = static_cast<rival::Index>(std::max<std::size_t>(1, labels.size()));
  const rival::Index pixels = images == 1 ? 128 : 64;
  rival::Tensor<float> place({images, length});
  rival::Animation animation({.delay = 0.06, .last_delay = 0.06});
  for (rival::Index frame = 0; frame < count * frames; ++frame) {
    const rival::Index from = frame / frames, to = (from + 1) % count;
    const double share = static_cast<double>(frame % frames) / frames;
    law.between(latents.data() + from * length, latents.data() + to * length, length, share, place.data());
    for (rival::Index k = 1; k < images; ++k) std::copy_n(place.data(), length, place.data() + k * length);
    const auto samples = sampler.sample(place, labels);
    animation.add(rival::grid(samples, {.columns = 10, .scale = scale_to(pixels, samples.dim(1))}));
  }
  return animation;
}
