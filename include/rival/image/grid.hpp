#pragma once
// Pictures of 8 bits a channel, and grids of many of them in one.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "rival/core/tensor.hpp"

namespace rival {

/// A picture: row by row, the channels of a pixel together. One channel is grey, three are red, green and blue.
struct Image {
  Index height = 0;                 ///< pixels
  Index width = 0;                  ///< pixels
  Index channels = 1;               ///< 1 or 3
  std::vector<std::uint8_t> bytes;  ///< height * width * channels of them
};

/// The value v in [-1, 1] as a byte: (v + 1) * 127.5, rounded. Values outside are clamped; NaN becomes 0.
template <class S>
std::uint8_t to_byte(S v) {
  if (!(v > S(-1))) return 0;
  if (v >= S(1)) return 255;
  return static_cast<std::uint8_t>(v * S(127.5) + S(128));
}
/// A byte stays what it is, for functions that take values of either kind.
inline std::uint8_t to_byte(std::uint8_t b) { return b; }

/// A tensor of values in [-1, 1] as bytes, in the same shape.
template <class S>
Tensor<std::uint8_t> to_bytes(const Tensor<S>& values) {
  Tensor<std::uint8_t> bytes(values.shape());
  for (Index i = 0; i < values.size(); ++i) bytes[i] = to_byte(values[i]);
  return bytes;
}

/// How images lie in a grid.
struct GridOptions {
  Index columns = 0;            ///< images in a row; 0: as many as make the grid square
  Index padding = 2;            ///< pixels between images and around the grid
  std::uint8_t background = 0;  ///< the grey of the padding and of places without an image
  Index scale = 1;              ///< each pixel of an image becomes a square of scale x scale
};

namespace internal {

/// Throws Error unless the picture is of a kind that image files take.
inline void require_image(const char* what, const Image& image) {
  require(image.channels == 1 || image.channels == 3, what, ": expected an image of 1 or 3 channels, got ",
          image.channels);
  require(image.height >= 1 && image.width >= 1, what, ": expected an image of at least one pixel, got ", image.height,
          "x", image.width);
  require(static_cast<Index>(image.bytes.size()) == Shape{image.height, image.width, image.channels}.size(), what,
          ": an image of ", image.height, "x", image.width, "x", image.channels, " has ",
          image.height * image.width * image.channels, " bytes, got ", image.bytes.size());
}

}  // namespace internal

/// A batch of images {N, H, W, C} with values in [-1, 1] (or bytes), side by side in one picture, row after row.
/// Throws Error unless the tensor holds at least one image of one or three channels, and for options out of range.
template <class S>
Image grid(const Tensor<S>& images, const GridOptions& options = {}) {
  const Shape& shape = images.shape();
  require(images.rank() == 4 && !images.empty() && (shape[3] == 1 || shape[3] == 3),
          "grid: expected N x height x width x 1 or 3, got ", shape);
  require(options.columns >= 0, "grid: expected columns >= 0, got ", options.columns);
  require(options.padding >= 0, "grid: expected padding >= 0, got ", options.padding);
  require(options.scale >= 1, "grid: expected a scale of at least 1, got ", options.scale);

  const Index count = shape[0], height = shape[1], width = shape[2], channels = shape[3], scale = options.scale;
  const Index square = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(count))));
  const Index columns = std::min(count, options.columns > 0 ? options.columns : square);
  const Index rows = (count + columns - 1) / columns;
  const Index pitch_y = height * scale + options.padding, pitch_x = width * scale + options.padding;

  Image picture{rows * pitch_y + options.padding, columns * pitch_x + options.padding, channels, {}};
  picture.bytes.assign(static_cast<std::size_t>(picture.height * picture.width * channels), options.background);
  for (Index n = 0; n < count; ++n)
    for (Index y = 0; y < height * scale; ++y) {
      const S* row = images.data() + (n * height + y / scale) * width * channels;
      const Index top = options.padding + n / columns * pitch_y + y, left = options.padding + n % columns * pitch_x;
      std::uint8_t* out = picture.bytes.data() + (top * picture.width + left) * channels;
      for (Index x = 0; x < width * scale; ++x)
        for (Index c = 0; c < channels; ++c) *out++ = to_byte(row[x / scale * channels + c]);
    }
  return picture;
}

}  // namespace rival
