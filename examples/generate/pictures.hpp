#pragma once
// Pictures of samples.

#include <vector>

#include "rival/core/labels.hpp"
#include "rival/image/gif.hpp"
#include "rival/image/grid.hpp"
#include "rival/io/sampler.hpp"

/// What can be drawn.
enum class Kind { images, points, clips, neither };
Kind kind_of(const rival::Generator<>& generator);

/// Images {N, H, W, 1 or 3} side by side, clips {N, T, H, W, 1 or 3} a row each, or points {N, 2} in the plane.
rival::Image picture(const rival::Tensor<float>& samples);

/// From each latent vector to the next one and from the last back to the first, one image a frame; an image a class
/// where `labels` has more than one.
rival::Animation walk(const rival::Sampler<>& sampler, const rival::Tensor<float>& latents,
                      const std::vector<rival::Label>& labels);
