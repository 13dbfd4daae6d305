#pragma once
// Animations from files: GIF. Needs giflib and stb (rival::gif, rival::stb). WebP: rival/image/webp_animation.hpp.

#include <gif_lib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/image/read_image.hpp"

namespace rival {

namespace internal {

/// Takes a frame, and says whether it wants more.
using TakeFrame = std::function<bool(Image&& frame)>;

/// Of all frames of an animation together: a file of a kilobyte may say that it has thousands of large ones.
inline constexpr Index most_animation_pixels = Index{1} << 28;

/// A format beside GIF. `is` says whether bytes are of it; `read` gives the frames, of four channels, and throws Error
/// for damaged ones.
struct AnimationFormat {
  bool (*is)(std::string_view bytes);
  void (*read)(std::string_view bytes, const TakeFrame& take);
};
inline std::vector<AnimationFormat>& more_animation_formats() {
  static std::vector<AnimationFormat> formats;
  return formats;
}

inline bool is_gif(std::string_view bytes) { return bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a"); }

inline void require_canvas(Index height, Index width) {
  require(height >= 1 && width >= 1, "it has no pixels");
  require(width <= most_pixels / height, "it is ", width, "x", height, " pixels, more than ", most_pixels, " in all");
}

/// Whole pictures: each frame is drawn on what the one before it left. Memory for a few of them is taken, however many
/// there are.
inline void read_gif_frames(std::string_view bytes, const TakeFrame& take) {
  std::string_view left = bytes;
  const auto read = [](GifFileType* from, GifByteType* to, int count) {
    auto& source = *static_cast<std::string_view*>(from->UserData);
    const std::size_t given = std::min(source.size(), static_cast<std::size_t>(count));
    std::memcpy(to, source.data(), given);
    source.remove_prefix(given);
    return static_cast<int>(given);
  };
  const auto close = [](GifFileType* handle) { DGifCloseFile(handle, nullptr); };
  int problem = 0;
  const std::unique_ptr<GifFileType, decltype(close)> gif(DGifOpen(&left, read, &problem), close);
  const auto check = [&](bool good, int code) {
    if (good) return;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) throw std::bad_alloc();
    const char* why = GifErrorString(code);
    fail("it is damaged (", why != nullptr ? why : "no reason given", ")");
  };
  check(gif != nullptr, problem);
  const Index height = gif->SHeight, width = gif->SWidth;
  require_canvas(height, width);
  Image canvas{height, width, 4, {}};
  std::vector<std::uint8_t> before;  // the frame, where it is to be undone
  GraphicsControlBlock control{DISPOSAL_UNSPECIFIED, false, 0, NO_TRANSPARENT_COLOR};
  std::vector<GifPixelType> row;
  const auto good = [&](int result) { check(result == GIF_OK, gif->Error); };
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    good(DGifGetRecordType(gif.get(), &record));
    if (record == TERMINATE_RECORD_TYPE) return;
    if (record == EXTENSION_RECORD_TYPE) {
      int code = 0;
      GifByteType* block = nullptr;
      good(DGifGetExtension(gif.get(), &code, &block));
      if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr) DGifExtensionToGCB(block[0], block + 1, &control);
      while (block != nullptr) good(DGifGetExtensionNext(gif.get(), &block));
      continue;
    }
    if (record != IMAGE_DESC_RECORD_TYPE) continue;
    good(DGifGetImageDesc(gif.get()));
    // The place on the canvas, of which no more is drawn than there is.
    const Index top = gif->Image.Top, left_edge = gif->Image.Left, rows = gif->Image.Height, columns = gif->Image.Width;
    const Index shown = std::clamp<Index>(width - left_edge, 0, columns);
    const ColorMapObject* colours = gif->Image.ColorMap != nullptr ? gif->Image.ColorMap : gif->SColorMap;
    require(colours != nullptr && colours->ColorCount > 0, "it is damaged (it has no colours)");
    if (canvas.bytes.empty()) canvas.bytes.assign(static_cast<std::size_t>(height * width * 4), 0);
    if (control.DisposalMode == DISPOSE_PREVIOUS) before = canvas.bytes;
    row.resize(static_cast<std::size_t>(std::max<Index>(columns, 1)));
    const auto draw = [&](Index y) {
      good(DGifGetLine(gif.get(), row.data(), static_cast<int>(columns)));
      if (top + y >= height) return;
      std::uint8_t* to = canvas.bytes.data() + ((top + y) * width + left_edge) * 4;
      for (Index x = 0; x < shown; ++x, to += 4) {
        const int colour = row[static_cast<std::size_t>(x)];
        if (colour == control.TransparentColor || colour >= colours->ColorCount) continue;
        const GifColorType& c = colours->Colors[colour];
        to[0] = c.Red, to[1] = c.Green, to[2] = c.Blue, to[3] = 255;
      }
    };
    if (gif->Image.Interlace)
      for (const auto& [first, step] : {std::pair<Index, Index>{0, 8}, {4, 8}, {2, 4}, {1, 2}})
        for (Index y = first; y < rows; y += step) draw(y);
    else
      for (Index y = 0; y < rows; ++y) draw(y);
    if (!take(Image(canvas))) return;
    if (control.DisposalMode == DISPOSE_PREVIOUS) canvas.bytes.swap(before);
    if (control.DisposalMode == DISPOSE_BACKGROUND)
      for (Index y = top; y < std::min(height, top + rows); ++y)
        std::fill_n(canvas.bytes.data() + (y * width + left_edge) * 4, 4 * shown, std::uint8_t{0});
    control = {DISPOSAL_UNSPECIFIED, false, 0, NO_TRANSPARENT_COLOR};
  }
}

/// Whether these bytes are of a format that read_animation knows, of one frame or of several.
inline bool is_animation(std::string_view bytes) {
  return is_gif(bytes) || std::any_of(more_animation_formats().begin(), more_animation_formats().end(),
                                      [&](const AnimationFormat& format) { return format.is(bytes); });
}

}  // namespace internal

/// Gives the frames of an animation in the bytes of a file one by one to `take(Image&&)`, each as a whole picture in
/// colour over `background`, as it is shown, until `take` returns false. Throws Error, beginning with `what`, for bytes
/// that are damaged, of no known format, of more than 67 million pixels, and when the frames given have 2^28 pixels
/// together; of a damaged GIF the frames in front of the damaged place have been given then.
inline void read_animation(std::string_view bytes, const std::string& what, const internal::TakeFrame& take,
                           const Rgb& background = white) {
  Index pixels = 0;
  const auto over = [&](Image&& frame) {
    pixels += frame.height * frame.width;
    require(pixels <= internal::most_animation_pixels, "its frames are more than ", internal::most_animation_pixels,
            " pixels together");
    internal::flatten(frame, background);
    return take(std::move(frame));
  };
  auto read = internal::is_gif(bytes) ? &internal::read_gif_frames : nullptr;
  for (const auto& format : internal::more_animation_formats())
    if (format.is(bytes)) read = format.read;
  require(read != nullptr, what, ": it is no animated GIF or WebP file that this program can read");
  try {
    read(bytes, over);
  } catch (const Error& error) {
    fail(what, ": ", error.what());
  }
}

}  // namespace rival
