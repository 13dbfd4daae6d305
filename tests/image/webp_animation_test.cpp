#include "rival/image/webp_animation.hpp"

#include <filesystem>

#include "catch.hpp"
#include "rival/io/npy.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using rival_test::TemporaryFolder;

namespace {

const std::filesystem::path fixtures = std::filesystem::path(RIVAL_FIXTURES_DIR) / "pictures";

std::vector<Image> frames_of(const std::string& bytes) {
  std::vector<Image> frames;
  read_animation(bytes, "it", [&](Image&& frame) { return frames.push_back(std::move(frame)), true; });
  return frames;
}
std::vector<Image> frames_in(const std::filesystem::path& path) {
  return frames_of(internal::read_whole("picture", path));
}

}  // namespace

TEST_CASE("animated WebP: frames are what Pillow makes of them") {
  const auto frames = frames_in(fixtures / "animated.webp");
  const auto expected = read_npy<std::uint8_t>(fixtures / "animated.webp.frames.npy");
  REQUIRE(expected.dim(0) == static_cast<Index>(frames.size()));
  const std::uint8_t* from = expected.data();
  for (const Image& frame : frames) {
    CHECK(std::equal(frame.bytes.begin(), frame.bytes.end(), from));
    from += frame.bytes.size();
  }
}

TEST_CASE("animated WebP: what is written is read, without loss") {
  const TemporaryFolder folder;
  for (const Index channels : {1, 3}) {
    std::vector<Image> frames;
    for (int t = 0; t < 5; ++t) {
      Image image{4, 6, channels, {}};
      for (Index i = 0; i < 24 * channels; ++i)
        image.bytes.push_back(static_cast<std::uint8_t>(i * 37 % 251 + (i % 24 == t ? 4 : 0)));
      frames.push_back(std::move(image));
    }
    write_animated_webp(folder / "a.webp", frames, 0.1);
    const auto read = frames_in(folder / "a.webp");
    REQUIRE(read.size() == 5);
    for (std::size_t t = 0; t < 5; ++t)
      for (std::size_t i = 0; i < 72; ++i) CHECK(read[t].bytes[i] == frames[t].bytes[channels == 1 ? i / 3 : i]);
  }
}

TEST_CASE("animated WebP: frames that cannot be written are refused") {
  const TemporaryFolder folder;
  const auto path = folder / "a.webp";
  const Image small{1, 1, 1, {0}}, wide{1, 2, 1, {0, 0}};
  CHECK_THROWS_WITH(write_animated_webp(path, {}, 0.1), "animated WebP: expected at least one frame to write to " +
                                                            rival_test::quoted(path) + ", got none");
  CHECK_THROWS_WITH(write_animated_webp(path, {small}, 0),
                    "animated WebP: expected a delay of 0.001 to 60 seconds, got 0");
  CHECK_THROWS_WITH(write_animated_webp(path, {small, wide}, 1),
                    "animated WebP: expected frames of 1x1x1 like the first, got 1x2x1");
  CHECK_THROWS_WITH(write_animated_webp(path, {{1, 16384, 1, std::vector<std::uint8_t>(16384)}}, 1),
                    "animated WebP: expected at most 16383 x 16383 pixels, got 1x16384");
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("animated WebP: what is damaged is refused") {
  const std::string whole = internal::read_whole("picture", fixtures / "animated.webp");
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    INFO(size);
    CHECK_THROWS_AS(frames_of(whole.substr(0, size)), Error);
  }
}
