#include "common/clip_pictures.hpp"

#include <algorithm>

#include "rival/image/grid.hpp"

using rival::Index;

rival::Image clip_sheet(const rival::Tensor<float>& clips, Index rows, Index scale) {
  const rival::Shape& shape = clips.shape();
  rows = std::min(rows, shape[0]);
  rival::Tensor<float> frames({rows * shape[1], shape[2], shape[3], shape[4]});
  std::copy_n(clips.data(), frames.size(), frames.data());
  return rival::grid(frames, {.columns = shape[1], .scale = scale});
}

std::vector<rival::Image> side_by_side(const rival::Tensor<float>& clips, Index columns, Index scale) {
  const rival::Shape& shape = clips.shape();
  const Index frame = shape[2] * shape[3] * shape[4];
  std::vector<rival::Image> pictures;
  rival::Tensor<float> all({shape[0], shape[2], shape[3], shape[4]});
  for (Index t = 0; t < shape[1]; ++t) {
    for (Index i = 0; i < shape[0]; ++i)
      std::copy_n(clips.data() + (i * shape[1] + t) * frame, frame, all.data() + i * frame);
    pictures.push_back(rival::grid(all, {.columns = columns, .scale = scale}));
  }
  return pictures;
}

rival::Animation animation_of(const std::vector<rival::Image>& pictures) {
  rival::Animation animation({.delay = 0.1, .last_delay = 0.1});
  for (const rival::Image& picture : pictures) animation.add(picture);
  return animation;
}
