#include <zlib.h>
#include "catch.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "rival/image/png.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

std::uint32_t word(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

/// A PNG reader for 8-bit grey and colour, straight from the specification (ISO/IEC 15948).
Image read_png(const std::filesystem::path& path) {
  const std::string file = read_bytes(path);
  REQUIRE(file.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  Image image;
  std::string packed, kind;
  for (std::size_t at = 8; at < file.size() && kind != "IEND";) {
    const std::size_t length = word(file, at);
    kind = file.substr(at + 4, 4);
    const std::string body = file.substr(at + 8, length);
    const std::string checked = kind + body;
    CHECK(crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size())) ==
          word(file, at + 8 + length));
    if (kind == "IHDR") {
      image.width = word(body, 0), image.height = word(body, 4);
      CHECK(body[8] == 8);
      image.channels = body[9] == 0 ? 1 : 3;
      CHECK(body[9] == (image.channels == 1 ? 0 : 2));
      CHECK(body.substr(10) == std::string(3, '\0'));
    }
    if (kind == "IDAT") packed += body;
    at += 12 + length;
  }
  CHECK(kind == "IEND");

  const Index stride = image.width * image.channels;
  std::vector<std::uint8_t> rows(static_cast<std::size_t>(image.height * (stride + 1)));
  uLongf size = rows.size();
  REQUIRE(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()) == Z_OK);
  REQUIRE(size == rows.size());
  image.bytes.resize(static_cast<std::size_t>(image.height * stride));
  for (Index y = 0; y < image.height; ++y)
    for (Index i = 0; i < stride; ++i) {
      const auto pixel = [&](Index py, Index pi) {
        return py < 0 || pi < 0 ? 0 : int{image.bytes[static_cast<std::size_t>(py * stride + pi)]};
      };
      const int a = pixel(y, i - image.channels), b = pixel(y - 1, i);
      const int c = i < image.channels ? 0 : pixel(y - 1, i - image.channels);
      const int pa = std::abs(b - c), pb = std::abs(a - c), pc = std::abs(a + b - 2 * c);
      const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const int guess[] = {0, a, b, (a + b) / 2, paeth};
      const std::uint8_t* row = rows.data() + y * (stride + 1);
      REQUIRE(row[0] < 5);
      image.bytes[static_cast<std::size_t>(y * stride + i)] = static_cast<std::uint8_t>(row[1 + i] + guess[row[0]]);
    }
  return image;
}

}  // namespace

TEST_CASE("png: comes back as it was") {
  const TemporaryFolder folder;
  for (const Index channels : {1, 3})
    for (const Index width : {1, 5, 64}) {
      Image image{37, width, channels, {}};
      for (Index i = 0; i < image.height * width * channels; ++i)
        image.bytes.push_back(static_cast<std::uint8_t>(i % 11 < 5 ? i * i >> 4 : i));
      write_png(folder / "a.png", image);
      const Image back = read_png(folder / "a.png");
      CHECK(back.height == image.height);
      CHECK(back.width == image.width);
      CHECK(back.channels == image.channels);
      CHECK(back.bytes == image.bytes);
    }
  CHECK(folder.count() == 1);
}

TEST_CASE("png: refuses what is no picture, and leaves the earlier file") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.png", "earlier");
  CHECK_THROWS_WITH(write_png(path, {2, 2, 2, std::vector<std::uint8_t>(8)}),
                    "write_png: expected an image of 1 or 3 channels, got 2");
  CHECK_THROWS_WITH(write_png(path, {0, 2, 1, {}}), "write_png: expected an image of at least one pixel, got 0x2");
  CHECK_THROWS_WITH(write_png(path, {2, 2, 1, {1, 2, 3}}), "write_png: an image of 2x2x1 has 4 bytes, got 3");
  CHECK(read_bytes(path) == "earlier");
  const auto missing = folder / "no" / "a.png";
  CHECK_THROWS_WITH(write_png(missing, {1, 1, 1, {1}}),
                    "cannot write " + quoted(missing) + ": there is no folder " + (folder / "no").string());
}
