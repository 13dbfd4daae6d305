#pragma once
// Animated WebP, in and out. Needs libwebp, libwebpdemux and libwebpmux, and for reading giflib and stb (rival::webp,
// rival::gif, rival::stb). To include it is enough for read_animation.

#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/read_animation.hpp"

namespace rival {

namespace internal {

inline bool is_animated_webp(std::string_view bytes) {
  WebPBitstreamFeatures features;
  return bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP" &&
         WebPGetFeatures(unsigned_bytes(bytes), bytes.size(), &features) == VP8_STATUS_OK &&
         features.has_animation != 0;
}

inline void read_webp_frames(std::string_view bytes, const TakeFrame& take) {
  const WebPData data{unsigned_bytes(bytes), bytes.size()};
  WebPBitstreamFeatures features;
  require(WebPGetFeatures(data.bytes, data.size, &features) == VP8_STATUS_OK, "it is damaged");
  require_canvas(features.height, features.width);
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(WebPAnimDecoderNew(&data, nullptr),
                                                                                   &WebPAnimDecoderDelete);
  WebPAnimInfo info;
  require(decoder != nullptr && WebPAnimDecoderGetInfo(decoder.get(), &info) != 0, "it is damaged");
  const Index height = info.canvas_height, width = info.canvas_width;
  require_canvas(height, width);
  while (WebPAnimDecoderHasMoreFrames(decoder.get()) != 0) {
    std::uint8_t* pixels = nullptr;
    int time = 0;
    require(WebPAnimDecoderGetNext(decoder.get(), &pixels, &time) != 0, "it is damaged");
    Image frame{height, width, 4, {}};
    frame.bytes.assign(pixels, pixels + height * width * 4);
    if (!take(std::move(frame))) return;
  }
}

inline const bool animated_webp_is_known =
    (more_animation_formats().push_back({is_animated_webp, read_webp_frames}), true);

}  // namespace internal

/// Writes pictures of one size, `delay` seconds each, as an animated WebP file without loss, which is shown again and
/// again. Equal pictures one after the other become one that is shown longer, so that fewer may be read back. Throws
/// Error, and leaves an earlier file as it was, for no pictures, for pictures that differ in size or
/// kind or are larger than WebP takes (16,383 pixels a side), for a delay that is not within 0.001 to 60, and when the
/// file cannot be written.
inline void write_animated_webp(const std::filesystem::path& path, const std::vector<Image>& frames, double delay) {
  require(!frames.empty(), "animated WebP: expected at least one frame to write to ", path, ", got none");
  require(delay >= 0.001 && delay <= 60, "animated WebP: expected a delay of 0.001 to 60 seconds, got ", delay);
  const Image& first = frames.front();
  for (const Image& frame : frames) {
    internal::require_image("animated WebP", frame);
    require(frame.height == first.height && frame.width == first.width && frame.channels == first.channels,
            "animated WebP: expected frames of ", first.height, "x", first.width, "x", first.channels,
            " like the first, got ", frame.height, "x", frame.width, "x", frame.channels);
  }
  require(first.height <= WEBP_MAX_DIMENSION && first.width <= WEBP_MAX_DIMENSION,
          "animated WebP: expected at most 16383 x 16383 pixels, got ", first.height, "x", first.width);
  const auto check = [](bool good) { require(good, "animated WebP: libwebp cannot encode the frames"); };
  const int height = static_cast<int>(first.height), width = static_cast<int>(first.width);
  const std::unique_ptr<WebPAnimEncoder, decltype(&WebPAnimEncoderDelete)> encoder(
      WebPAnimEncoderNew(width, height, nullptr), &WebPAnimEncoderDelete);
  WebPConfig config;
  check(encoder != nullptr && WebPConfigInit(&config) != 0);
  config.lossless = 1;
  config.quality = 50;  // effort, of 100

  WebPPicture picture;
  check(WebPPictureInit(&picture) != 0);
  const std::unique_ptr<WebPPicture, decltype(&WebPPictureFree)> owner(&picture, &WebPPictureFree);
  picture.use_argb = 1;
  std::vector<std::uint8_t> colours;
  const auto time = [&](std::size_t i) { return static_cast<int>(std::lround(1000 * delay * static_cast<double>(i))); };
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::uint8_t* rgb = frames[i].bytes.data();
    if (first.channels == 1) {
      colours.clear();
      for (const std::uint8_t grey : frames[i].bytes) colours.insert(colours.end(), 3, grey);
      rgb = colours.data();
    }
    picture.width = width, picture.height = height;
    check(WebPPictureImportRGB(&picture, rgb, 3 * width) != 0 &&
          WebPAnimEncoderAdd(encoder.get(), &picture, time(i), &config) != 0);
  }
  check(WebPAnimEncoderAdd(encoder.get(), nullptr, time(frames.size()), nullptr) != 0);
  WebPData data;
  WebPDataInit(&data);
  const std::unique_ptr<WebPData, decltype(&WebPDataClear)> bytes(&data, &WebPDataClear);
  check(WebPAnimEncoderAssemble(encoder.get(), &data) != 0);
  FileWriter file(path);
  file.write(data.bytes, data.size);
  file.commit();
}

}  // namespace rival
