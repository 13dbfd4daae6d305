#pragma once
// Animated GIFs. Needs giflib.

#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/image/grid.hpp"

namespace rival {

/// How fast an Animation is shown.
struct AnimationOptions {
  double delay = 0.15;      ///< seconds that a frame is shown
  double last_delay = 1.5;  ///< seconds that the last one is shown
  bool loop = true;         ///< begin again, for ever
};

/// Pictures of one size, shown one after the other:
///
///     rival::Animation animation({.delay = 0.2});
///     animation.add(rival::grid(generator.sample(latent)));   // now and then
///     animation.save("progress.gif");
///
/// Grey pictures keep their 256 levels; colours are rounded to a palette of 6 x 7 x 6 levels of red, green and blue.
/// A frame waits for `save` as one byte a pixel.
class Animation {
 public:
  /// Throws Error for a delay that is not within 0 to 655 seconds.
  explicit Animation(const AnimationOptions& options = {}) : options_(options) {
    for (const double delay : {options_.delay, options_.last_delay})
      require(delay >= 0 && delay <= 655, "animation: expected delays of 0 to 655 seconds, got ", delay);
  }

  /// Number of frames.
  Index size() const { return static_cast<Index>(frames_.size()); }

  /// Appends a frame. Throws Error unless it is of the size and kind of the first.
  void add(const Image& image) {
    internal::require_image("animation", image);
    require(image.height < 65536 && image.width < 65536, "animation: expected at most 65535 x 65535 pixels, got ",
            image.height, "x", image.width);
    if (frames_.empty()) height_ = image.height, width_ = image.width, channels_ = image.channels;
    require(image.height == height_ && image.width == width_ && image.channels == channels_,
            "animation: expected a frame of ", height_, "x", width_, "x", channels_, " like the first, got ",
            image.height, "x", image.width, "x", image.channels);
    if (channels_ == 1) {
      frames_.push_back(image.bytes);
      return;
    }
    std::vector<std::uint8_t> frame(image.bytes.size() / 3);
    for (std::size_t i = 0; i < frame.size(); ++i) {
      const std::uint8_t* rgb = image.bytes.data() + 3 * i;
      frame[i] = static_cast<std::uint8_t>((level(rgb[0], 6) * 7 + level(rgb[1], 7)) * 6 + level(rgb[2], 6));
    }
    frames_.push_back(std::move(frame));
  }

  /// All frames so far {count, height, width}, as they wait for `save`: to go on with them in another process.
  Tensor<std::uint8_t> frames() const {
    Tensor<std::uint8_t> all({size(), height_, width_});
    for (std::size_t i = 0; i < frames_.size(); ++i)
      std::copy(frames_[i].begin(), frames_[i].end(), all.data() + static_cast<Index>(i) * height_ * width_);
    return all;
  }
  /// Takes what `frames` gave in the place of all frames so far; the pictures had so many channels, 1 or 3. Throws
  /// Error for a tensor that is no frames.
  void set_frames(const Tensor<std::uint8_t>& frames, Index channels) {
    require(frames.rank() == 3 && frames.dim(1) < 65536 && frames.dim(2) < 65536 && (channels == 1 || channels == 3),
            "animation: expected frames {count, height, width} of 1 or 3 channels, got ", frames.shape(), " of ",
            channels);
    height_ = frames.dim(1), width_ = frames.dim(2), channels_ = channels;
    frames_.assign(static_cast<std::size_t>(frames.dim(0)), {});
    const std::uint8_t* from = frames.data();
    for (auto& frame : frames_) {
      frame.assign(from, from + height_ * width_);
      from += height_ * width_;
    }
  }

  /// Writes all frames so far. Throws Error, and leaves an earlier file as it was, when there are none or the file
  /// cannot be written.
  void save(const std::filesystem::path& path) const {
    require(!frames_.empty(), "animation: expected at least one frame to write to ", path, ", got none");
    FileWriter file(path);
    encode(file);
    file.commit();
  }

 private:
  static int level(int byte, int levels) { return (byte * (levels - 1) + 127) / 255; }

  std::array<GifColorType, 256> palette() const {
    std::array<GifColorType, 256> colours{};
    const auto byte = [](std::size_t value, std::size_t levels) {
      return static_cast<GifByteType>((value * 255 + (levels - 1) / 2) / (levels - 1));
    };
    for (std::size_t i = 0; i < colours.size(); ++i) {
      if (channels_ == 1)
        colours[i] = {byte(i, 256), byte(i, 256), byte(i, 256)};
      else if (i < 6 * 7 * 6)
        colours[i] = {byte(i / 42, 6), byte(i / 6 % 7, 7), byte(i % 6, 6)};
    }
    return colours;
  }

  void encode(FileWriter& file) const {
    // Nothing may be thrown through giflib, so its output waits here and goes to the file between its calls.
    std::vector<std::uint8_t> pending;
    const auto append = [](GifFileType* to, const GifByteType* bytes, int count) {
      auto& out = *static_cast<std::vector<std::uint8_t>*>(to->UserData);
      try {
        out.insert(out.end(), bytes, bytes + count);
      } catch (const std::exception&) {
        return 0;
      }
      return count;
    };
    const auto close = [](GifFileType* handle) { EGifCloseFile(handle, nullptr); };
    std::unique_ptr<GifFileType, decltype(close)> gif(EGifOpen(&pending, append, nullptr), close);
    const auto check = [](bool good) { require(good, "animation: giflib cannot encode the frames"); };
    check(gif != nullptr);

    const auto colours = palette();
    const std::unique_ptr<ColorMapObject, decltype(&GifFreeMapObject)> map(GifMakeMapObject(256, colours.data()),
                                                                           &GifFreeMapObject);
    check(map != nullptr);
    const int width = static_cast<int>(width_), height = static_cast<int>(height_);
    EGifSetGifVersion(gif.get(), true);
    check(EGifPutScreenDesc(gif.get(), width, height, 8, 0, map.get()) == GIF_OK);
    if (options_.loop) {
      const GifByteType for_ever[3] = {1, 0, 0};
      check(EGifPutExtensionLeader(gif.get(), APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
            EGifPutExtensionBlock(gif.get(), 11, "NETSCAPE2.0") == GIF_OK &&
            EGifPutExtensionBlock(gif.get(), 3, for_ever) == GIF_OK && EGifPutExtensionTrailer(gif.get()) == GIF_OK);
    }

    std::vector<GifPixelType> row(static_cast<std::size_t>(width_));
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      const double delay = i + 1 < frames_.size() ? options_.delay : options_.last_delay;
      const GraphicsControlBlock control{DISPOSE_DO_NOT, false, static_cast<int>(std::lround(100 * delay)),
                                         NO_TRANSPARENT_COLOR};
      GifByteType bytes[4];
      const int count = static_cast<int>(EGifGCBToExtension(&control, bytes));
      check(EGifPutExtension(gif.get(), GRAPHICS_EXT_FUNC_CODE, count, bytes) == GIF_OK &&
            EGifPutImageDesc(gif.get(), 0, 0, width, height, false, nullptr) == GIF_OK);
      for (auto pixels = frames_[i].begin(); pixels != frames_[i].end(); pixels += width) {
        std::copy(pixels, pixels + width, row.begin());  // giflib masks the row that it is given in place
        check(EGifPutLine(gif.get(), row.data(), width) == GIF_OK);
      }
      file.write(pending.data(), pending.size());
      pending.clear();
    }
    check(EGifCloseFile(gif.release(), nullptr) == GIF_OK);
    file.write(pending.data(), pending.size());
  }

  AnimationOptions options_;
  Index height_ = 0, width_ = 0, channels_ = 1;
  std::vector<std::vector<std::uint8_t>> frames_;
};

}  // namespace rival
