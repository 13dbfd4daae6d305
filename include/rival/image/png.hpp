#pragma once
// PNG files. Needs stb_image_write.h, which is compiled right here, out of the way of any other in the program.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/stb_image_write.hpp"

namespace rival {

/// A grey or colour picture as the bytes of a PNG file. Throws Error for one that is too large.
inline std::vector<std::uint8_t> encode_png(const Image& image) {
  internal::require_image("write_png", image);
  require(image.height < (1 << 28) / image.channels / (image.width + 1), "write_png: an image of ", image.height, "x",
          image.width, " is too large");
  std::vector<std::uint8_t> file;
  const auto append = [](void* context, void* data, int size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    auto& out = *static_cast<std::vector<std::uint8_t>*>(context);
    out.insert(out.end(), bytes, bytes + size);
  };
  const int width = static_cast<int>(image.width), height = static_cast<int>(image.height);
  const int channels = static_cast<int>(image.channels);
  require(internal::stb::stbi_write_png_to_func(append, &file, width, height, channels, image.bytes.data(),
                                                width * channels) != 0,
          "write_png: no memory for the picture");
  return file;
}

/// Writes it to a file. Throws Error, and leaves an earlier file as it was, when it cannot be written.
inline void write_png(const std::filesystem::path& path, const Image& image) {
  const auto file = encode_png(image);
  replace_file(path, file.data(), file.size());
}

}  // namespace rival
