#pragma once
// WebP pictures for read_image. Needs libwebp (rival::webp). To include it is enough.

#include <webp/decode.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rival/image/read_image.hpp"

namespace rival::internal {

inline std::optional<ImageHeader> webp_header(std::string_view bytes) {
  if (bytes.size() < 12 || !bytes.starts_with("RIFF") || bytes.substr(8, 4) != "WEBP") return {};
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(unsigned_bytes(bytes), bytes.size(), &features) != VP8_STATUS_OK) return {};
  return ImageHeader{features.height, features.width, features.has_alpha ? 4 : 3};
}

inline std::vector<std::uint8_t> decode_webp(std::string_view bytes, const ImageHeader& header) {
  WebPBitstreamFeatures features;
  require(WebPGetFeatures(unsigned_bytes(bytes), bytes.size(), &features) == VP8_STATUS_OK && !features.has_animation,
          "it is an animated WebP, which is not read");
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(header.height * header.width * header.channels));
  const auto decode = header.channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  require(decode(unsigned_bytes(bytes), bytes.size(), pixels.data(), pixels.size(),
                 static_cast<int>(header.width * header.channels)) != nullptr,
          "it is damaged");
  return pixels;
}

inline const bool webp_is_known = (more_image_formats().push_back({webp_header, decode_webp}), true);

}  // namespace rival::internal
