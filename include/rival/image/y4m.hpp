#pragma once
// write_y4m: pictures as a stream of raw video, for a program behind a pipe.

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "rival/image/grid.hpp"

namespace rival {

/// Writes pictures of one size as YUV4MPEG2, `rate` whole frames a second, to a stream:
///
///     rival::write_y4m(std::cout, frames, 10);   // my_program | ffmpeg -i - clip.mp4
///
/// Colours are Y'CbCr of ITU-R BT.601, not subsampled (C444), from 16 to 235 and 240. Throws Error for no pictures, for
/// pictures that differ in size, for a rate that is not within 1 to 1000, and when the stream takes no more.
inline void write_y4m(std::ostream& out, const std::vector<Image>& frames, Index rate) {
  require(!frames.empty(), "y4m: expected at least one frame, got none");
  require(rate >= 1 && rate <= 1000, "y4m: expected a rate of 1 to 1000 frames a second, got ", rate);
  const Index height = frames.front().height, width = frames.front().width;
  for (const Image& frame : frames) {  // before anything is written
    internal::require_image("y4m", frame);
    require(frame.height == height && frame.width == width, "y4m: expected frames of ", height, "x", width,
            " like the first, got ", frame.height, "x", frame.width);
  }
  out << "YUV4MPEG2 W" << width << " H" << height << " F" << rate << ":1 Ip A1:1 C444\n";
  // Y, Cb and Cr of 255 at most, in 65536ths: offset, and factors of red, green and blue.
  constexpr std::array<std::array<int, 4>, 3> planes{
      {{16, 16829, 33039, 6416}, {128, -9714, -19070, 28784}, {128, 28784, -24103, -4681}}};
  std::string plane(static_cast<std::size_t>(height * width), '\0');
  for (const Image& frame : frames) {
    out << "FRAME\n";
    const auto step = static_cast<std::size_t>(frame.channels), green = step / 2, blue = step - 1;
    for (const auto& [offset, r, g, b] : planes) {
      for (std::size_t i = 0; i < plane.size(); ++i) {
        const std::uint8_t* pixel = frame.bytes.data() + step * i;
        plane[i] = static_cast<char>(
            static_cast<std::uint8_t>(offset + ((r * pixel[0] + g * pixel[green] + b * pixel[blue] + 32768) >> 16)));
      }
      out.write(plane.data(), static_cast<std::streamsize>(plane.size()));
    }
  }
  out.flush();
  require(out.good(), "y4m: the stream takes no more");
}

}  // namespace rival
