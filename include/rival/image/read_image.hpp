#pragma once
// Pictures from files: PNG, JPEG, BMP and GIF. Needs stb_image.h and stb_image_resize.h, which are compiled right here,
// out of the way of any other in the program (rival::stb). WebP: rival/image/webp.hpp. The orientation that a camera
// notes: rival/image/exif.hpp.

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/stb_image.hpp"

namespace rival {

/// What lies behind a picture that can be seen through.
using Rgb = std::array<std::uint8_t, 3>;
/// The background unless one is given.
inline constexpr Rgb white{255, 255, 255};

namespace internal {

/// What a file's first bytes, or a decoder, say of a picture.
struct ImageHeader {
  Index height = 0, width = 0;
  Index channels = 0;  ///< 1 grey, 2 grey and opacity, 3 colour, 4 colour and opacity
};

/// A format beside those of stb_image. `header` gives nothing for bytes of another format; `decode` throws Error for
/// damaged ones.
struct ImageFormat {
  std::optional<ImageHeader> (*header)(std::string_view bytes);
  std::vector<std::uint8_t> (*decode)(std::string_view bytes, const ImageHeader& header);
};
inline std::vector<ImageFormat>& more_image_formats() {
  static std::vector<ImageFormat> formats;
  return formats;
}

/// How the picture in a JPEG file has to be turned, as EXIF counts: 1, as it is, to 8. Set by rival/image/exif.hpp.
inline int (*&orientation_reader())(std::string_view bytes) {
  static int (*reader)(std::string_view) = nullptr;
  return reader;
}

inline constexpr Index most_pixels = Index{1} << 26;  // 67 million, 8192 x 8192

inline const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// Throws Error, beginning with `what`, for bytes that are no picture of a known format or say that it is too large.
/// `format` becomes the one beside stb_image's, if it is of that.
inline ImageHeader read_image_header(std::string_view bytes, const std::string& what, const ImageFormat*& format) {
  ImageHeader header;
  bool known = false;
  format = nullptr;
  for (const ImageFormat& one : more_image_formats())
    if (const auto found = one.header(bytes)) {
      header = *found, known = true;
      format = &one;
      break;
    }
  if (!known && bytes.size() < (std::size_t{1} << 31)) {
    int width = 0, height = 0, channels = 0;
    known = stb::stbi_info_from_memory(unsigned_bytes(bytes), static_cast<int>(bytes.size()), &width, &height,
                                       &channels) != 0;
    header = {height, width, channels};
  }
  if (!known) {
    require(!bytes.empty(), what, ": it is empty");
    const bool webp = bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP";
    require(!webp, what, ": it is WebP, which this program was built without");
    const std::string guess = guess_file(bytes);
    if (guess.empty() || guess == " (it is a picture)")
      fail(what, ": it is damaged, or no PNG, JPEG, BMP, GIF or WebP file");
    fail(what, ": it is no picture", guess);
  }
  require(header.height >= 1 && header.width >= 1, what, ": it has no pixels");
  require(header.width <= most_pixels / header.height, what, ": it is ", header.width, "x", header.height,
          " pixels, more than ", most_pixels, " in all");
  // A PNG of one bit a pixel packs the most of them; so that a short file takes no large memory. WebP packs without
  // end.
  constexpr auto most_in_a_byte = static_cast<Index>(8 * most_that_deflate_packs);
  require(format != nullptr || header.height * header.width / most_in_a_byte <= static_cast<Index>(bytes.size()), what,
          ": it is damaged (", header.width, "x", header.height, " pixels are more than ", bytes.size(),
          " bytes can hold)");
  return header;
}

/// Lays the picture over a background where it can be seen through, and returns whether it can anywhere. It has 1 or 3
/// channels then.
inline bool flatten(Image& image, const Rgb& background) {
  if (image.channels == 1 || image.channels == 3) return false;
  const bool grey = image.channels == 2;
  // A grey picture over a colour would be one.
  const bool stays_grey = grey && background[0] == background[1] && background[1] == background[2];
  const Index out = stays_grey ? 1 : 3, pixels = image.height * image.width;
  bool seen_through = false;
  std::vector<std::uint8_t> flat(static_cast<std::size_t>(pixels * out));
  for (Index i = 0; i < pixels; ++i) {
    const std::uint8_t* from = image.bytes.data() + i * image.channels;
    const int opacity = from[image.channels - 1];
    seen_through = seen_through || opacity < 255;
    for (Index k = 0; k < out; ++k) {
      const int value = from[grey ? 0 : k], behind = background[static_cast<std::size_t>(k)];
      flat[static_cast<std::size_t>(i * out + k)] =
          static_cast<std::uint8_t>((value * opacity + behind * (255 - opacity) + 127) / 255);
    }
  }
  image.bytes = std::move(flat);
  image.channels = out;
  return seen_through;
}

/// The picture turned as EXIF's orientation says.
inline Image turned(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swapped = orientation >= 5;  // rows become columns
  Image out{swapped ? image.width : image.height, swapped ? image.height : image.width, image.channels, {}};
  out.bytes.resize(image.bytes.size());
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  for (Index y = 0; y < out.height; ++y)
    for (Index x = 0; x < out.width; ++x) {
      Index row = swapped ? x : y, column = swapped ? y : x;
      if (swapped ? from_right : from_bottom) row = image.height - 1 - row;
      if (swapped ? from_bottom : from_right) column = image.width - 1 - column;
      std::copy_n(image.bytes.data() + (row * image.width + column) * image.channels, image.channels,
                  out.bytes.data() + (y * out.width + x) * image.channels);
    }
  return out;
}

/// The picture as it is in the file, of 1 to 4 channels.
inline Image decode_pixels(std::string_view bytes, const std::string& what) {
  const ImageFormat* format = nullptr;
  const ImageHeader header = read_image_header(bytes, what, format);
  if (format != nullptr) try {
      return {header.height, header.width, header.channels, format->decode(bytes, header)};
    } catch (const Error& error) {
      fail(what, ": ", error.what());
    }
  int width = 0, height = 0, channels = 0;
  struct Free {
    void operator()(unsigned char* pixels) const { stb::stbi_image_free(pixels); }
  };
  const std::unique_ptr<unsigned char, Free> pixels(
      stb::stbi_load_from_memory(unsigned_bytes(bytes), static_cast<int>(bytes.size()), &width, &height, &channels, 0));
  if (!pixels) {
    const char* why = stb::stbi_failure_reason();
    if (why != nullptr && std::string_view(why) == "outofmem") throw std::bad_alloc();
    fail(what, ": it is damaged (", why != nullptr ? why : "no reason given", ")");
  }
  Image image{height, width, channels, {}};
  image.bytes.assign(pixels.get(), pixels.get() + image.height * image.width * image.channels);
  return image;
}

/// How the picture has to be turned; 1: it is upright.
inline int orientation_of(std::string_view bytes) {
  return orientation_reader() != nullptr && bytes.starts_with("\xff\xd8") ? orientation_reader()(bytes) : 1;
}

}  // namespace internal

/// The picture in the bytes of a file, grey (1 channel) or colour (3), 8 bits a channel: deeper ones lose their lower
/// bits; of a GIF the first frame; what can be seen through lies over `background`; turned upright where exif.hpp can
/// tell. Throws Error, beginning with `what`, for bytes that are damaged, of no known format, or of more than 67
/// million pixels.
inline Image decode_image(std::string_view bytes, const std::string& what, const Rgb& background = white) {
  Image image = internal::decode_pixels(bytes, what);
  internal::flatten(image, background);
  return internal::turned(std::move(image), internal::orientation_of(bytes));
}

/// The same of a file.
inline Image read_image(const std::filesystem::path& path, const Rgb& background = white) {
  return decode_image(internal::read_whole("picture", path), internal::concatenate("picture ", path), background);
}

/// How a picture that is no square becomes one.
enum class Fit {
  crop,  ///< its middle
  pad    ///< all of it, over the background
};

/// The picture as a square of `size` pixels: each is the mean of the area that it covers, or lies between pixels where
/// the picture grows. Throws Error for a size below 1 or above 16384.
inline Image square(const Image& image, Index size, Fit fit = Fit::crop, const Rgb& background = white) {
  internal::require_image("square", image);
  require(size >= 1 && size <= 16384, "square: expected a size from 1 to 16384, got ", size);
  const Index side = std::min(image.height, image.width), longest = std::max(image.height, image.width);
  const bool padded = fit == Fit::pad && side < longest;
  // The part of the picture that is taken, and where it goes.
  const Index from_h = fit == Fit::crop ? side : image.height, from_w = fit == Fit::crop ? side : image.width;
  const auto scaled = [&](Index extent) {
    return padded ? std::max<Index>(1, (extent * size + longest / 2) / longest) : size;
  };
  const Index h = scaled(from_h), w = scaled(from_w);
  const bool grey_behind = background[0] == background[1] && background[1] == background[2];
  const Index channels = padded && !grey_behind ? 3 : image.channels;
  Image out{size, size, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * channels))};
  if (padded)
    for (std::size_t i = 0; i < out.bytes.size(); ++i) out.bytes[i] = background[channels == 3 ? i % 3 : 0];

  const std::uint8_t* from =
      image.bytes.data() + ((image.height - from_h) / 2 * image.width + (image.width - from_w) / 2) * image.channels;
  std::vector<std::uint8_t> resized(static_cast<std::size_t>(h * w * image.channels));
  if (h == from_h && w == from_w) {
    for (Index y = 0; y < h; ++y)
      std::copy_n(from + y * image.width * image.channels, w * image.channels, resized.data() + y * w * image.channels);
  } else {
    const auto filter = h < from_h ? internal::stb::STBIR_FILTER_BOX : internal::stb::STBIR_FILTER_TRIANGLE;
    const int done = internal::stb::stbir_resize_uint8_generic(
        from, static_cast<int>(from_w), static_cast<int>(from_h), static_cast<int>(image.width * image.channels),
        resized.data(), static_cast<int>(w), static_cast<int>(h), 0, static_cast<int>(image.channels), -1, 0,
        internal::stb::STBIR_EDGE_CLAMP, filter, internal::stb::STBIR_COLORSPACE_LINEAR, nullptr);
    if (done == 0) throw std::bad_alloc();
  }
  const Index top = (size - h) / 2, left = (size - w) / 2;
  for (Index y = 0; y < h; ++y)
    for (Index x = 0; x < w; ++x)
      for (Index k = 0; k < channels; ++k)
        out.bytes[static_cast<std::size_t>(((top + y) * size + left + x) * channels + k)] =
            resized[static_cast<std::size_t>((y * w + x) * image.channels + (image.channels == 3 ? k : 0))];
  return out;
}

}  // namespace rival
