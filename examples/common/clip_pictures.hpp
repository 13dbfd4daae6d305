#pragma once
// Clips as pictures.

#include <vector>

#include "rival/core/tensor.hpp"
#include "rival/image/gif.hpp"

/// The first clips of {N, T, H, W, C}, a row each, their frames from left to right.
rival::Image clip_sheet(const rival::Tensor<float>& clips, rival::Index rows, rival::Index scale);

/// All clips side by side, in so many columns, a picture for each frame.
std::vector<rival::Image> side_by_side(const rival::Tensor<float>& clips, rival::Index columns, rival::Index scale);

/// These pictures one after the other, without an end.
rival::Animation animation_of(const std::vector<rival::Image>& pictures);
