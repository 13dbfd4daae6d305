#include "rival/image/read_image.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "catch.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "pictures";

/// The greatest difference of a byte; 1000 for other sizes.
int difference(const Image& image, const std::string& expected) {
  const auto want = read_npy<std::uint8_t>(fixtures / expected);
  if (want.shape() != Shape({image.height, image.width, image.channels})) return 1000;
  int most = 0;
  for (Index i = 0; i < want.size(); ++i)
    most = std::max(most, std::abs(int{want[i]} - int{image.bytes[static_cast<std::size_t>(i)]}));
  return most;
}

std::string refusal(const std::string& bytes) {
  try {
    decode_image(bytes, "it");
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("read_image: pictures of every format are what Pillow makes of them") {
  for (const char* name : {"colour.png", "colour.bmp", "grey.png", "grey16.png", "bits.png", "palette.png",
                           "palette.gif", "animated.gif"}) {
    INFO(name);
    CHECK(difference(read_image(fixtures / name), std::string(name) + ".npy") == 0);
  }
  // Over white: a rounding apart.
  for (const char* name : {"palette_through.png", "through.png", "grey_through.png"}) {
    INFO(name);
    CHECK(difference(read_image(fixtures / name), std::string(name) + ".npy") <= 1);
  }
  // The standard leaves some freedom to the inverse transform and to how colours grow back; CMYK is no colour on
  // screens.
  for (const char* name : {"colour.jpg", "progressive.jpg", "grey.jpg"}) {
    INFO(name);
    CHECK(difference(read_image(fixtures / name), std::string(name) + ".npy") <= 6);
  }
  CHECK(difference(read_image(fixtures / "cmyk.jpg"), "cmyk.jpg.npy") <= 16);
}

TEST_CASE("read_image: what can be seen through lies over the background that is asked for") {
  const Image over = read_image(fixtures / "through.png", {0, 128, 255});
  CHECK(over.channels == 3);
  Image grey = read_image(fixtures / "grey_through.png", {10, 10, 10});
  CHECK(grey.channels == 1);
  grey = read_image(fixtures / "grey_through.png", {10, 10, 200});
  CHECK(grey.channels == 3);

  Image pixel{1, 1, 4, {200, 100, 0, 51}};  // a fifth
  CHECK(internal::flatten(pixel, {0, 100, 250}));
  CHECK(pixel.bytes == std::vector<std::uint8_t>{40, 100, 200});
  Image solid{1, 1, 2, {77, 255}};
  CHECK(!internal::flatten(solid, white));
  CHECK(solid.bytes == std::vector<std::uint8_t>{77});
}

TEST_CASE("read_image: says what is wrong with a file") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_image(folder / "no.png"), "picture " + quoted(folder / "no.png") + ": no such file");
  CHECK_THROWS_WITH(read_image(folder.path()), "picture " + quoted(folder.path()) + ": expected a file, got a folder");
  CHECK(refusal("") == "it: it is empty");
  CHECK(refusal("<html><title>404") ==
        "it: it is no picture (it is a web page, perhaps a server's error in place of the file)");
  CHECK(refusal(std::string(100, '\1')) == "it: it is damaged, or no PNG, JPEG, BMP, GIF or WebP file");
  CHECK(refusal("RIFF....WEBPVP8 ") != "none");

  // Cut anywhere, a file gives an error or, behind its last pixel, the picture; never more.
  for (const char* name : {"colour.png", "colour.jpg", "progressive.jpg", "colour.bmp", "palette.gif", "grey16.png"}) {
    INFO(name);
    const std::string whole = internal::read_whole("picture", fixtures / name);
    const Image image = decode_image(whole, name);
    for (std::size_t size = 0; size < whole.size(); ++size) try {
        const Image part = decode_image(std::string_view(whole).substr(0, size), name);
        CHECK(part.bytes.size() == image.bytes.size());
      } catch (const Error& error) {
        CHECK_THAT(error.what(), StartsWith(std::string(name) + ": it "));
      }
    // And with any byte of its beginning another one.
    for (std::size_t at = 0; at < std::min<std::size_t>(whole.size(), 200); ++at) {
      std::string other = whole;
      other[at] = static_cast<char>(other[at] ^ 0xff);
      try {
        const Image made = decode_image(other, name);
        CHECK(static_cast<Index>(made.bytes.size()) == made.height * made.width * made.channels);
      } catch (const Error& error) {
        CHECK_THAT(error.what(), StartsWith(std::string(name) + ": it"));
      }
    }
  }
  // A size that the file cannot mean, before any memory is asked for.
  std::string large = internal::read_whole("picture", fixtures / "colour.png");
  large.replace(16, 8, std::string("\0\0\x27\x10\0\0\x27\x10", 8));
  CHECK(refusal(large) == "it: it is 10000x10000 pixels, more than 67108864 in all");
  large.replace(16, 8, std::string("\0\0\x1f\x40\0\0\x1f\x40", 8));
  CHECK(refusal(large) ==
        "it: it is damaged (8000x8000 pixels are more than " + std::to_string(large.size()) + " bytes can hold)");
}

TEST_CASE("square: the middle, or all of it over the background, by areas as Pillow has them") {
  const Image large = read_image(fixtures / "large.png");
  REQUIRE(large.height == 40);
  REQUIRE(large.width == 56);
  CHECK(difference(square(large, 8), "large_crop_8.npy") <= 1);
  // Where areas cut through pixels, stb's have soft edges, a pixel wide.
  CHECK(difference(square(large, 13), "large_crop_13.npy") <= 8);
  CHECK(difference(square(large, 14, Fit::pad), "large_pad_14.npy") <= 1);

  const Image same = square(large, 40);
  for (Index y = 0; y < 40; ++y)
    CHECK(std::equal(same.bytes.data() + y * 120, same.bytes.data() + (y + 1) * 120,
                     large.bytes.data() + (y * 56 + 8) * 3));

  const Image flat{3, 5, 1, std::vector<std::uint8_t>(15, 90)};
  for (const Index size : {1, 2, 3, 7, 64}) {
    const Image made = square(flat, size);
    CHECK(made.channels == 1);
    CHECK(made.bytes == std::vector<std::uint8_t>(static_cast<std::size_t>(size * size), 90));
  }
  const Image padded = square(flat, 10, Fit::pad, {1, 2, 3});
  CHECK(padded.channels == 3);
  CHECK(std::vector<std::uint8_t>(padded.bytes.begin(), padded.bytes.begin() + 3) ==
        std::vector<std::uint8_t>{1, 2, 3});
  CHECK(padded.bytes[3 * (5 * 10 + 5) + 2] == 90);
  CHECK(square(flat, 10, Fit::pad, {4, 4, 4}).channels == 1);
  CHECK_THROWS_WITH(square(flat, 0), "square: expected a size from 1 to 16384, got 0");
  CHECK_THROWS_WITH(square(flat, 16385), EndsWith("got 16385"));
}

TEST_CASE("read_image: a picture that write_png writes comes back") {
  const TemporaryFolder folder;
  for (const Index channels : {1, 3}) {
    Image image{5, 7, channels, {}};
    for (Index i = 0; i < 5 * 7 * channels; ++i) image.bytes.push_back(static_cast<std::uint8_t>(i * 37));
    write_png(folder / "a.png", image);
    const Image again = read_image(folder / "a.png");
    CHECK(again.height == 5);
    CHECK(again.width == 7);
    CHECK(again.channels == channels);
    CHECK(again.bytes == image.bytes);
  }
}

TEST_CASE("read_image: the eight ways in which a picture is turned") {
  // 2 x 3: A B C / D E F.
  const Image image{2, 3, 1, {'A', 'B', 'C', 'D', 'E', 'F'}};
  const auto turned = [&](int orientation) {
    const Image out = internal::turned(image, orientation);
    return std::to_string(out.height) + std::string(out.bytes.begin(), out.bytes.end());
  };
  CHECK(turned(0) == "2ABCDEF");
  CHECK(turned(1) == "2ABCDEF");
  CHECK(turned(2) == "2CBAFED");
  CHECK(turned(3) == "2FEDCBA");
  CHECK(turned(4) == "2DEFABC");
  CHECK(turned(5) == "3ADBECF");
  CHECK(turned(6) == "3DAEBFC");
  CHECK(turned(7) == "3FCEBDA");
  CHECK(turned(8) == "3CFBEAD");
  CHECK(turned(9) == "2ABCDEF");
}
