#pragma once
// moving_digits(): clips of pictures that bounce about, made from still ones.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/data/dataset.hpp"

namespace rival {

/// What clips of moving digits look like, and how many there are.
struct MovingDigitsOptions {
  Index clips = 10'000;  ///< how many; clip i shows digit i of the data set, which begins again after its last
  Index frames = 16;     ///< in a clip
  Index size = 32;       ///< pixels: height and width of a frame
  Index digit = 20;      ///< pixels: side of the square that a digit lies in; MNIST's are drawn in one of 20
  double speed = 1.8;    ///< pixels from one frame to the next
};

/// Clips {frames, size, size, 1} of bytes: in each, one digit bounces in front of black, as in Moving MNIST
/// (Srivastava, Mansimov and Salakhutdinov, "Unsupervised learning of video representations using LSTMs", 2015), which
/// has two digits in frames of 64 pixels, at 3.6 a frame. The square that the digit lies in begins anywhere, goes in a
/// direction that is drawn, and is thrown back by the frame's edges. Theirs is put at whole pixels; here it lies
/// between them (bilinear), so that a digit goes straight on where it does, and frames of one clip differ as little as
/// a digit does that is a part of a pixel elsewhere. Clip i shows digit i modulo their number, cut to its ink, and has
/// its class.
///
/// `digits` are grey pictures {height, width, 1} of bytes. The same stream gives the same clips. Throws Error for other
/// pictures, for ink that is larger than the square, and for options out of range.
inline Dataset moving_digits(const Dataset& digits, Random random, const MovingDigitsOptions& options = {}) {
  const auto& o = options;
  const Shape picture = digits.sample_shape();
  require(digits.size() > 0 && picture.rank() == 3 && picture[2] == 1,
          "moving digits: expected grey pictures {height, width, 1}, got ", digits.size(), " of ", picture);
  require(o.clips >= 1 && o.frames >= 1, "moving digits: expected at least 1 clip of at least 1 frame, got ", o.clips,
          " of ", o.frames);
  require(o.digit >= 1 && o.size >= o.digit && o.size <= 4096,
          "moving digits: expected frames of 1 to 4096 pixels, and a digit that fits into them, got ", o.size, " and ",
          o.digit);
  require(o.speed >= 0 && o.speed <= 4096, "moving digits: expected a speed from 0 to 4096, got ", o.speed);

  const Index h = picture[0], w = picture[1];
  const Shape clip{o.frames, o.size, o.size, 1};
  require(o.clips <= (Index{1} << 40) / clip.size(), "moving digits: expected clips of less than 1 TB in all, got ",
          o.clips, " of ", clip);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(o.clips * clip.size()), 0);
  std::vector<Label> labels;
  const double way = static_cast<double>(o.size - o.digit);
  // Along one axis: a step onward, turned round where it would leave the frame.
  const auto move = [&](double& place, double& velocity) {
    place += velocity;
    if (place < 0 || place > way) place = std::clamp(place, 0.0, way), velocity = -velocity;
  };
  for (Index i = 0; i < o.clips; ++i) {
    const Index which = i % digits.size();
    const auto from = digits.values(which);
    Index top = h, bottom = 0, left = w, right = 0;  // of the ink
    for (Index y = 0; y < h; ++y)
      for (Index x = 0; x < w; ++x)
        if (from[static_cast<std::size_t>(y * w + x)] > 0) {
          top = std::min(top, y), bottom = std::max(bottom, y + 1);
          left = std::min(left, x), right = std::max(right, x + 1);
        }
    const Index height = std::max<Index>(0, bottom - top), width = std::max<Index>(0, right - left);
    require(height <= o.digit && width <= o.digit, "moving digits: expected ink within ", o.digit, "x", o.digit,
            " pixels, got ", height, "x", width, " in picture ", which);

    // Black beyond the ink.
    const auto ink = [&](Index y, Index x) -> double {
      if (y < 0 || y >= height || x < 0 || x >= width) return 0;
      return from[static_cast<std::size_t>((top + y) * w + left + x)];
    };
    double y = way * random.uniform(), x = way * random.uniform();
    const double angle = 2 * std::numbers::pi * random.uniform();
    double down = o.speed * std::sin(angle), across = o.speed * std::cos(angle);
    for (Index t = 0; t < o.frames; ++t, move(y, down), move(x, across)) {
      const Index row = static_cast<Index>(y), column = static_cast<Index>(x);
      const double below = y - static_cast<double>(row), beside = x - static_cast<double>(column);  // shares
      std::uint8_t* frame = bytes.data() + (i * o.frames + t) * o.size * o.size +
                            (row + (o.digit - height) / 2) * o.size + column + (o.digit - width) / 2;
      for (Index k = 0; k < height + (below > 0); ++k)
        for (Index l = 0; l < width + (beside > 0); ++l) {
          const double value = (1 - below) * ((1 - beside) * ink(k, l) + beside * ink(k, l - 1)) +
                               below * ((1 - beside) * ink(k - 1, l) + beside * ink(k - 1, l - 1));
          frame[k * o.size + l] = static_cast<std::uint8_t>(value + 0.5);
        }
    }
    if (digits.has_labels()) labels.push_back(digits.label(which));
  }
  return {clip, std::move(bytes), std::move(labels), digits.classes()};
}

}  // namespace rival
