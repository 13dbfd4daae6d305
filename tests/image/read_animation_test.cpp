#include "rival/image/read_animation.hpp"

#include <filesystem>

#include "catch.hpp"
#include "rival/image/gif.hpp"
#include "rival/io/npy.hpp"
#include "temporary_folder.hpp"

using namespace rival;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "pictures";

std::string bytes_of(const std::string& name) { return internal::read_whole("picture", fixtures / name); }

std::vector<Image> frames_of(const std::string& bytes) {
  std::vector<Image> frames;
  read_animation(bytes, "it", [&](Image&& frame) {
    frames.push_back(std::move(frame));
    return true;
  });
  return frames;
}

}  // namespace

TEST_CASE("animation: frames of a GIF are what Pillow makes of them, kept, cleared and undone") {
  for (const std::string name : {"animated.gif", "moving.gif"}) {
    INFO(name);
    const std::vector<Image> frames = frames_of(bytes_of(name));
    const auto expected = read_npy<std::uint8_t>(fixtures / (name + ".frames.npy"));
    REQUIRE(expected.dim(0) == static_cast<Index>(frames.size()));
    const std::uint8_t* from = expected.data();
    for (const Image& frame : frames) {
      REQUIRE(expected.shape().sample() == Shape{frame.height, frame.width, frame.channels});
      CHECK(std::equal(frame.bytes.begin(), frame.bytes.end(), from));
      from += frame.bytes.size();
    }
  }
}

TEST_CASE("animation: one frame alone, and lines that come interlaced") {
  std::string bytes = bytes_of("palette.gif");
  const auto plain = frames_of(bytes);
  REQUIRE(plain.size() == 1);
  const auto expected = read_npy<std::uint8_t>(fixtures / "palette.gif.npy");
  CHECK(std::equal(plain[0].bytes.begin(), plain[0].bytes.end(), expected.data(), expected.data() + expected.size()));
  // The same lines in the order of interlaced ones.
  constexpr std::size_t descriptor = 13 + 3 * 16;
  REQUIRE(bytes[descriptor] == ',');
  bytes[descriptor + 9] = '\x40';
  const auto interlaced = frames_of(bytes);
  const std::vector<std::size_t> rows{0, 8, 4, 2, 6, 10, 1, 3, 5, 7, 9, 11};
  const std::size_t line = 3 * 16;
  for (std::size_t k = 0; k < rows.size(); ++k)
    CHECK(std::equal(plain[0].bytes.begin() + static_cast<std::ptrdiff_t>(k * line),
                     plain[0].bytes.begin() + static_cast<std::ptrdiff_t>((k + 1) * line),
                     interlaced[0].bytes.begin() + static_cast<std::ptrdiff_t>(rows[k] * line)));
}

TEST_CASE("animation: what is written is read") {
  const rival_test::TemporaryFolder folder;
  Animation animation;
  for (int t = 0; t < 4; ++t)
    animation.add({2, 3, 1, {static_cast<std::uint8_t>(10 * t), 1, 2, 3, 4, static_cast<std::uint8_t>(255 - t)}});
  animation.save(folder / "a.gif");
  const auto frames = frames_of(internal::read_whole("picture", folder / "a.gif"));
  REQUIRE(frames.size() == 4);
  for (std::size_t t = 0; t < 4; ++t) {
    CHECK(frames[t].bytes[0] == 10 * t);
    CHECK(frames[t].bytes[17] == 255 - t);
  }
}

TEST_CASE("animation: it is read no further than frames are wanted") {
  int taken = 0;
  read_animation(bytes_of("moving.gif"), "it", [&](Image&&) { return ++taken < 2; });
  CHECK(taken == 2);
}

TEST_CASE("animation: what lies behind can be chosen") {
  std::vector<Image> frames;
  const auto take = [&](Image&& frame) { return frames.push_back(std::move(frame)), true; };
  read_animation(bytes_of("moving.gif"), "it", take, {1, 2, 3});
  const std::size_t corner = frames[0].bytes.size() - 3;
  CHECK((frames[0].bytes[corner] == 1 && frames[0].bytes[corner + 1] == 2 && frames[0].bytes[corner + 2] == 3));
}

TEST_CASE("animation: what is damaged is refused") {
  CHECK_THROWS_WITH(frames_of("PNG"), "it: it is no animated GIF or WebP file that this program can read");
  const std::string whole = bytes_of("moving.gif");
  for (std::size_t size = 6; size < whole.size(); ++size) {
    INFO(size);
    CHECK_THROWS_WITH(frames_of(whole.substr(0, size)), Catch::StartsWith("it: it is damaged ("));
  }
  std::string large = whole;
  for (std::size_t at = 6; at < 10; ++at) large[at] = '\xff';
  CHECK_THROWS_WITH(frames_of(large), "it: it is 65535x65535 pixels, more than 67108864 in all");
  std::string empty = whole;
  empty[6] = empty[7] = '\0';
  CHECK_THROWS_WITH(frames_of(empty), "it: it has no pixels");
  // Any byte may be wrong: it is an error or another picture, and nothing worse.
  for (std::size_t at = 10; at < whole.size(); ++at)
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string wrong = whole;
      wrong[at] = value;
      try {
        frames_of(wrong);
      } catch (const Error&) {
      }
    }
}

TEST_CASE("animation: a small file that says that it has many large frames is refused") {
  // Frames of one pixel on a canvas of 8192 x 8192: 2^26 pixels each.
  std::string bytes("GIF89a\x00\x20\x00\x20\x80\x00\x00", 13);
  bytes += std::string("\x00\x00\x00\xff\xff\xff", 6);
  for (int i = 0; i < 8; ++i) bytes += std::string("\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00", 15);
  bytes += ';';
  int taken = 0;
  CHECK_THROWS_WITH(read_animation(bytes, "it", [&](Image&&) { return ++taken, true; }),
                    "it: its frames are more than 268435456 pixels together");
  CHECK(taken == 4);
}
