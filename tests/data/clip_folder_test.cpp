#include "rival/data/clip_folder.hpp"

#include "catch.hpp"
#include "rival/image/gif.hpp"
#include "rival/image/png.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

Image flat(Index size, std::uint8_t value, Index channels = 1) {
  return {size, size, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * channels), value)};
}

/// An animated GIF whose frame t has the grey first + t.
void write_gif(const std::filesystem::path& path, Index size, int first, int count) {
  std::filesystem::create_directories(path.parent_path());
  Animation animation;
  for (int t = 0; t < count; ++t) animation.add(flat(size, static_cast<std::uint8_t>(first + t)));
  animation.save(path);
}

/// A folder of pictures, whose frame t has the grey first + t, named without leading zeros.
void write_frames(const std::filesystem::path& folder, Index size, int first, int count, Index channels = 1) {
  std::filesystem::create_directories(folder);
  for (int t = 0; t < count; ++t)
    write_png(folder / ("f" + std::to_string(t + 8) + ".png"),
              flat(size, static_cast<std::uint8_t>(first + t), channels));
}

/// The first value of each frame of a clip.
std::vector<int> greys(const Dataset& data, Index clip) {
  std::vector<int> values;
  const Index frames = data.sample_shape()[0], size = data.sample_shape().size() / frames;
  for (Index t = 0; t < frames; ++t) values.push_back(data.values(clip)[static_cast<std::size_t>(t * size)]);
  return values;
}

}  // namespace

TEST_CASE("clip folder: GIFs and folders of frames become clips, with classes from sub-folders") {
  const TemporaryFolder folder;
  write_gif(folder / "b" / "two.gif", 6, 100, 5);
  write_frames(folder / "a" / "one", 6, 10, 4);  // f8, f9, f10, f11
  rival::replace_file(folder / "a" / "notes.txt", std::string("x"));
  const ClipFolder all = read_clip_folder(folder.path(), {.frames = 2});
  CHECK(all.data.sample_shape() == Shape{2, 6, 6, 1});
  REQUIRE(all.data.size() == 4);
  CHECK(greys(all.data, 0) == std::vector<int>{10, 11});
  CHECK(greys(all.data, 1) == std::vector<int>{12, 13});
  CHECK(greys(all.data, 2) == std::vector<int>{100, 101});
  CHECK(greys(all.data, 3) == std::vector<int>{102, 103});
  CHECK(all.files == std::vector<std::filesystem::path>{"a/one", "a/one", "b/two.gif", "b/two.gif"});
  CHECK(all.class_names == std::vector<std::string>{"a", "b"});
  CHECK((all.data.label(0) == 0 && all.data.label(3) == 1));
  CHECK(all.describe() ==
        "4 clips of 2 frames of 6x6, grey, made from 2 animations\n"
        "2 classes from sub-folders: a (2), b (2)\n"
        "1 frame at an end was left over\n"
        "1 other file was left alone\n");
}

TEST_CASE("clip folder: frames are made square, and grey or colour as asked") {
  const TemporaryFolder folder;
  write_frames(folder / "clip", 8, 50, 3, 3);
  Image red = flat(8, 0, 3);
  for (std::size_t i = 0; i < red.bytes.size(); i += 3) red.bytes[i] = 200;
  write_png(folder / "clip" / "f20.png", red);
  const ClipFolder colour = read_clip_folder(folder.path(), {.frames = 4, .size = 4});
  CHECK(colour.data.sample_shape() == Shape{4, 4, 4, 3});
  CHECK(greys(colour.data, 0) == std::vector<int>{50, 51, 52, 200});
  CHECK(colour.class_names.empty());
  CHECK(colour.describe() == "1 clip of 4 frames of 4x4, in colour, made from 1 animation of 8x8\n");
  const ClipFolder grey = read_clip_folder(folder.path(), {.frames = 4, .channels = 1});
  CHECK(greys(grey.data, 0) == std::vector<int>{50, 51, 52, 60});  // 0.299 of 200
}

TEST_CASE("clip folder: pictures in the folder itself are a clip, too") {
  const TemporaryFolder folder;
  write_frames(folder.path(), 4, 1, 3);
  const ClipFolder all = read_clip_folder(folder.path(), {.frames = 3});
  CHECK(all.files == std::vector<std::filesystem::path>{"."});
  CHECK(greys(all.data, 0) == std::vector<int>{1, 2, 3});
}

TEST_CASE("clip folder: what is broken or too short is skipped and named") {
  const TemporaryFolder folder;
  write_gif(folder / "good.gif", 4, 0, 3);
  write_gif(folder / "short.gif", 4, 0, 2);
  rival::replace_file(folder / "broken.gif", std::string("GIF89a"));
  write_frames(folder / "torn", 4, 0, 3);
  rival::replace_file(folder / "torn" / "f9.png", std::string("x"));
  write_frames(folder / "uneven", 4, 0, 2);
  write_png(folder / "uneven" / "f30.png", flat(5, 0));
  const ClipFolder all = read_clip_folder(folder.path(), {.frames = 3});
  CHECK(all.data.size() == 1);
  CHECK(all.describe() ==
        "1 clip of 3 frames of 4x4, grey, made from 1 animation\n"
        "4 files were skipped:\n"
        "  broken.gif: it is damaged (No screen descriptor detected)\n"
        "  short.gif: it has 2 frames, fewer than 3\n"
        "  torn: its frame \"f9.png\": it is damaged, or no PNG, JPEG, BMP, GIF or WebP file\n"
        "  uneven: its frames are of several sizes, 4x4 and 5x5\n");
}

TEST_CASE("clip folder: what gives no data set is refused") {
  const TemporaryFolder folder;
  const std::string what = "folder " + quoted(folder.path()) + ": ";
  CHECK_THROWS_WITH(read_clip_folder(folder / "none"), "folder " + quoted(folder / "none") + ": no such folder");
  CHECK_THROWS_WITH(read_clip_folder(folder.path()),
                    what + "expected clips (animated GIF or WebP, or folders of pictures), found none");
  write_gif(folder / "a.gif", 4, 0, 2);
  CHECK_THROWS_WITH(read_clip_folder(folder.path(), {.frames = 5}),
                    what +
                        "expected clips (animated GIF or WebP, or folders of pictures), found none, 1 were skipped: "
                        "\"a.gif\": it has 2 frames, fewer than 5");
  write_gif(folder / "b.gif", 5, 0, 2);
  CHECK_THROWS_WITH(read_clip_folder(folder.path(), {.frames = 2}),
                    what + "expected clips of one size, or a `size` for all, got 4x4 and, in \"b.gif\", 5x5");
  CHECK(read_clip_folder(folder.path(), {.frames = 2, .size = 3}).data.size() == 2);
  CHECK_THROWS_WITH(read_clip_folder(folder.path(), {.frames = 0}),
                    what + "expected clips of 1 to 65536 frames, got 0");
  CHECK_THROWS_WITH(read_clip_folder(folder.path(), {.channels = 2}), what + "expected 1 or 3 channels, got 2");
}

TEST_CASE("clip folder: frames are ordered by the numbers in their names") {
  using internal::by_numbers;
  CHECK(by_numbers("f9", "f10"));
  CHECK(!by_numbers("f10", "f9"));
  CHECK(by_numbers("f09.png", "f10.png"));
  CHECK(by_numbers("a10b2", "a10b11"));
  CHECK(by_numbers("a", "b"));
  CHECK(by_numbers("f", "f1"));
  CHECK(!by_numbers("f1", "f1"));
  CHECK(by_numbers("f01", "f1"));
  CHECK(!by_numbers("f1", "f01"));
}
