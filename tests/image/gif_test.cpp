#include <gif_lib.h>
#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "rival/image/gif.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

struct Decoded {
  Index height = 0, width = 0;
  bool loops = false;
  std::vector<int> delays;                        // hundredths of a second
  std::vector<std::vector<std::uint8_t>> frames;  // red, green and blue of each pixel
};

Decoded read_gif(const std::filesystem::path& path) {
  GifFileType* gif = DGifOpenFileName(path.string().c_str(), nullptr);
  REQUIRE(gif != nullptr);
  REQUIRE(DGifSlurp(gif) == GIF_OK);
  Decoded decoded{gif->SHeight, gif->SWidth, false, {}, {}};
  for (int i = 0; i < gif->ImageCount; ++i) {
    const SavedImage& image = gif->SavedImages[i];
    GraphicsControlBlock control;
    REQUIRE(DGifSavedExtensionToGCB(gif, i, &control) == GIF_OK);
    decoded.delays.push_back(control.DelayTime);
    for (int e = 0; e < image.ExtensionBlockCount; ++e) {
      const ExtensionBlock& block = image.ExtensionBlocks[e];
      decoded.loops |= std::string(reinterpret_cast<const char*>(block.Bytes),
                                   static_cast<std::size_t>(block.ByteCount)) == "NETSCAPE2.0";
    }
    REQUIRE(image.ImageDesc.Width == gif->SWidth);
    REQUIRE(image.ImageDesc.Height == gif->SHeight);
    std::vector<std::uint8_t> frame;
    for (int p = 0; p < gif->SWidth * gif->SHeight; ++p) {
      const GifColorType& colour = gif->SColorMap->Colors[image.RasterBits[p]];
      frame.insert(frame.end(), {colour.Red, colour.Green, colour.Blue});
    }
    decoded.frames.push_back(frame);
  }
  DGifCloseFile(gif, nullptr);
  return decoded;
}

Image noise(Index height, Index width, Index channels, std::uint32_t state) {
  Image image{height, width, channels, {}};
  for (Index i = 0; i < height * width * channels; ++i)
    image.bytes.push_back(static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24));
  return image;
}

}  // namespace

TEST_CASE("animation: grey frames come back as they were") {
  const TemporaryFolder folder;
  Animation animation({.delay = 0.2, .last_delay = 2.5});
  std::vector<Image> images;
  for (std::uint32_t i = 0; i < 3; ++i) {
    images.push_back(noise(90, 121, 1, i));
    animation.add(images.back());
  }
  CHECK(animation.size() == 3);
  animation.save(folder / "a.gif");
  const Decoded decoded = read_gif(folder / "a.gif");
  CHECK(decoded.height == 90);
  CHECK(decoded.width == 121);
  CHECK(decoded.loops);
  CHECK(decoded.delays == std::vector<int>{20, 20, 250});
  REQUIRE(decoded.frames.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<std::uint8_t> expected;
    for (const std::uint8_t grey : images[i].bytes) expected.insert(expected.end(), {grey, grey, grey});
    CHECK(decoded.frames[i] == expected);
  }
  // Saving changes nothing: more frames may follow.
  animation.add(images[0]);
  animation.save(folder / "a.gif");
  CHECK(read_gif(folder / "a.gif").delays == std::vector<int>{20, 20, 20, 250});
  CHECK(folder.count() == 1);
}

TEST_CASE("animation: colours are rounded to the nearest of the palette") {
  const TemporaryFolder folder;
  Animation animation({.loop = false});
  const Image image = noise(40, 50, 3, 5);
  animation.add(image);
  animation.save(folder / "a.gif");
  const Decoded decoded = read_gif(folder / "a.gif");
  CHECK_FALSE(decoded.loops);
  REQUIRE(decoded.frames.size() == 1);
  int worst[3] = {};
  for (std::size_t i = 0; i < image.bytes.size(); ++i)
    worst[i % 3] = std::max(worst[i % 3], std::abs(int{image.bytes[i]} - int{decoded.frames[0][i]}));
  // Half of the distance between levels, 255 / 5 = 51 and 255 / 6 = 42.5, and half a byte of rounding.
  CHECK(worst[0] <= 26);
  CHECK(worst[1] <= 22);
  CHECK(worst[2] <= 26);
  // The corners of the colour cube are kept.
  Animation corners;
  const Image cube{2, 2, 3, {0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 255}};
  corners.add(cube);
  corners.save(folder / "b.gif");
  CHECK(read_gif(folder / "b.gif").frames[0] == cube.bytes);
}

TEST_CASE("animation: refuses what it cannot write, and leaves the earlier file") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.gif", "earlier");
  CHECK_THROWS_WITH(Animation({.delay = -1}), "animation: expected delays of 0 to 655 seconds, got -1");
  CHECK_THROWS_WITH(Animation({.last_delay = 656}), "animation: expected delays of 0 to 655 seconds, got 656");
  Animation animation;
  CHECK_THROWS_WITH(animation.save(path),
                    "animation: expected at least one frame to write to " + quoted(path) + ", got none");
  CHECK_THROWS_WITH(animation.add({1, 65536, 1, std::vector<std::uint8_t>(65536)}),
                    "animation: expected at most 65535 x 65535 pixels, got 1x65536");
  animation.add(noise(4, 5, 1, 1));
  CHECK_THROWS_WITH(animation.add(noise(5, 4, 1, 1)), "animation: expected a frame of 4x5x1 like the first, got 5x4x1");
  CHECK_THROWS_WITH(animation.add(noise(4, 5, 3, 1)), "animation: expected a frame of 4x5x1 like the first, got 4x5x3");
  CHECK(animation.size() == 1);
  CHECK(read_bytes(path) == "earlier");
  CHECK_THROWS_WITH(animation.save(folder.path()), "cannot write " + quoted(folder.path()) + ": it is a folder");
}
