#include "rival/data/image_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/image/png.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// A folder to be filled.
struct Pictures : TemporaryFolder {
  /// One colour throughout; grey if there is one number.
  void add(const std::string& name, std::vector<std::uint8_t> colour, Index height = 4, Index width = 4) const {
    fs::create_directories((*this / name).parent_path());
    Image image{height, width, static_cast<Index>(colour.size()), {}};
    for (Index i = 0; i < height * width; ++i) image.bytes.insert(image.bytes.end(), colour.begin(), colour.end());
    write_png(*this / name, image);
  }
};

std::vector<std::string> names(const ImageFolder& folder) {
  std::vector<std::string> all;
  for (const auto& file : folder.files) all.push_back(file.generic_string());
  return all;
}

std::uint8_t first_byte(const ImageFolder& folder, Index i) { return folder.data.values(i)[0]; }

}  // namespace

TEST_CASE("image folder: pictures without classes, in the order of their paths") {
  const Pictures folder;
  folder.add("b.png", {2});
  folder.add("a b.png", {1});
  folder.add("B.PNG", {0});
  folder.add("\xc3\xa9.png", {3});
  folder.add(".hidden.png", {9});
  folder.add(".git/x.png", {9});
  folder.write("notes.txt", "no picture");
  const ImageFolder read = read_image_folder(folder.path());
  CHECK(names(read) == std::vector<std::string>{"B.PNG", "a b.png", "b.png", "\xc3\xa9.png"});
  CHECK(read.data.size() == 4);
  CHECK(read.data.sample_shape() == Shape({4, 4, 1}));
  CHECK(!read.data.has_labels());
  for (Index i = 0; i < 4; ++i) CHECK(first_byte(read, i) == i);
  CHECK(read.others == 1);
  CHECK(read.skipped.empty());
  CHECK(read.describe() == "4 pictures of 4x4, grey\n1 other file was left alone\n");
}

TEST_CASE("image folder: sub-folders are classes") {
  const Pictures folder;
  folder.add("10/a.png", {1});
  folder.add("9/deep/er/b.png", {2});
  folder.add("9/c.png", {3});
  ImageFolder read = read_image_folder(folder.path());
  CHECK(read.class_names == std::vector<std::string>{"9", "10"});  // numbers by their value
  CHECK(names(read) == std::vector<std::string>{"10/a.png", "9/c.png", "9/deep/er/b.png"});
  CHECK(read.data.label(0) == 1);
  CHECK(read.data.label(1) == 0);
  CHECK(read.data.label(2) == 0);
  CHECK(read.data.classes() == 2);
  CHECK(read.describe() == "3 pictures of 4x4, grey\n2 classes from sub-folders: 9 (2), 10 (1)\n");

  // A picture that lies in none of them, or a single sub-folder: no classes.
  folder.add("d.png", {4});
  CHECK(read_image_folder(folder.path()).describe() ==
        "4 pictures of 4x4, grey\nno classes from sub-folders, as 1 file lies beside them: d.png\n");
  CHECK(!read_image_folder(folder.path()).data.has_labels());
  fs::remove(folder / "d.png");
  fs::remove_all(folder / "9");
  CHECK(!read_image_folder(folder.path()).data.has_labels());
}

TEST_CASE("image folder: labels.csv says what pictures show") {
  const Pictures folder;
  folder.add("a.png", {1});
  folder.add("sub/b, c.png", {2});
  folder.add("unnamed.png", {3});
  folder.write("labels.csv",
               "\xef\xbb\xbf"
               "file,hair,\"skin, or fur\"\r\n./a.png,red,\"said \"\"dark\"\"\"\r\n\"sub/b, c.png\",blue,fair\r\n"
               "gone.png,red,fair\r\n");
  ImageFolder read = read_image_folder(folder.path());
  CHECK(read.class_names == std::vector<std::string>{"blue", "red"});
  CHECK(names(read) == std::vector<std::string>{"a.png", "sub/b, c.png"});
  CHECK(read.data.label(0) == 1);
  CHECK(read.data.label(1) == 0);
  REQUIRE(read.skipped.size() == 2);
  CHECK(read.skipped[0].file == "gone.png");
  CHECK(read.skipped[0].why == "labels.csv names it, and there is no such picture");
  CHECK(read.skipped[1].file == "unnamed.png");
  CHECK(read.skipped[1].why == "labels.csv does not name it");

  read = read_image_folder(folder.path(), {.label_column = "skin, or fur"});
  CHECK(read.class_names == std::vector<std::string>{"fair", "said \"dark\""});

  const auto refuse = [&](const std::string& text, const std::string& error, const std::string& column = "") {
    folder.write("labels.csv", text);
    CHECK_THROWS_WITH(read_image_folder(folder.path(), {.label_column = column}),
                      "labels file " + quoted(folder / "labels.csv") + ": " + error);
  };
  refuse("", "expected a first line that names two columns at least: the pictures' files, then what they show");
  refuse("file\na.png\n",
         "expected a first line that names two columns at least: the pictures' files, then what they show");
  refuse("file,is\na.png,1,2\n", "expected 2 fields in row 2, got 3");
  refuse("file,is\na.png,1\na.png,2\n", "it names a.png twice");
  refuse("file,is\n\"a.png,1\n", "a quote in row 2 does not end");
  refuse("file,is,was\na.png,1,2\n", "expected one of the columns is, was, got will", "will");
}

TEST_CASE("image folder: grey as long as all are, colour as soon as one is") {
  const Pictures folder;
  folder.add("1.png", {10});
  folder.add("2.png", {20, 20, 20});  // colour that is none
  CHECK(read_image_folder(folder.path()).data.sample_shape() == Shape({4, 4, 1}));
  folder.add("3.png", {30, 60, 90});
  folder.add("4.png", {40});
  const ImageFolder read = read_image_folder(folder.path());
  CHECK(read.data.sample_shape() == Shape({4, 4, 3}));
  const auto pixel = [&](const ImageFolder& of, Index i) {
    const auto values = of.data.values(i).last(static_cast<std::size_t>(of.data.sample_shape()[2]));
    return std::vector<int>(values.begin(), values.end());
  };
  CHECK(pixel(read, 0) == std::vector<int>{10, 10, 10});
  CHECK(pixel(read, 2) == std::vector<int>{30, 60, 90});
  CHECK(pixel(read, 3) == std::vector<int>{40, 40, 40});
  const ImageFolder grey = read_image_folder(folder.path(), {.channels = 1});
  CHECK(pixel(grey, 1) == std::vector<int>{20});
  CHECK(pixel(grey, 2) == std::vector<int>{54});  // .299 * 30 + .587 * 60 + .114 * 90
  CHECK(read_image_folder(folder.path(), {.channels = 3}).data.sample_shape() == Shape({4, 4, 3}));
}

TEST_CASE("image folder: pictures of several sizes become squares, and broken ones are named") {
  const Pictures folder;
  folder.add("a.png", {1}, 4, 9);
  folder.add("b.png", {2}, 20, 5);
  folder.add("c.png", {2}, 20, 5);
  folder.write("empty.png", "");
  folder.write("web.jpg", "<html>404");
  fs::create_symlink("nowhere.png", folder / "link.png");
  fs::create_symlink("a.png", folder / "linked.png");
  fs::create_directory(folder / "more");
  fs::create_directory_symlink(folder.path(), folder / "more" / "loop");
  CHECK_THROWS_WITH(
      read_image_folder(folder.path()),
      ContainsSubstring("expected pictures of one size, or a `size` for all, got 4x9 and, in \"b.png\", 20x5"));
  const ImageFolder read = read_image_folder(folder.path(), {.size = 3});
  CHECK(names(read) == std::vector<std::string>{"a.png", "b.png", "c.png", "linked.png"});
  CHECK(read.data.sample_shape() == Shape({3, 3, 1}));
  CHECK(read.copies == 2);
  CHECK(read.describe() ==
        "4 pictures of 3x3, grey, made from 4x5 to 20x9\n2 are the same files as others\n3 files were skipped:\n"
        "  empty.png: it is empty\n  link.png: no such file\n"
        "  web.jpg: it is no picture (it is a web page, perhaps a server's error in place of the file)\n");
  const ImageFolder padded = read_image_folder(folder.path(), {.size = 8, .fit = Fit::pad, .background = {0, 0, 0}});
  CHECK(first_byte(padded, 0) == 0);
}

TEST_CASE("image folder: the same for any number of threads") {
  const Pictures folder;
  for (int i = 0; i < 300; ++i)  // more than are decoded side by side
    folder.add(std::to_string(i % 3) + '/' + std::to_string(i) + ".png", {static_cast<std::uint8_t>(i % 251)},
               3 + i % 5, 6);
  const int before = threads();
  set_threads(1);
  const auto one = read_image_folder(folder.path(), {.size = 4});
  set_threads(before);
  const auto all = read_image_folder(folder.path(), {.size = 4});
  CHECK(one.data.size() == 300);
  CHECK(one.data.fingerprint() == all.data.fingerprint());
  CHECK(names(one) == names(all));
}

TEST_CASE("image folder: refuses what is no folder of pictures") {
  const Pictures folder;
  CHECK_THROWS_WITH(read_image_folder(folder / "no"), "folder " + quoted(folder / "no") + ": no such folder");
  folder.write("file", "x");
  CHECK_THROWS_WITH(read_image_folder(folder / "file"),
                    "folder " + quoted(folder / "file") + ": expected a folder, got a file");
  CHECK_THROWS_WITH(
      read_image_folder(folder.path()),
      "folder " + quoted(folder.path()) + ": expected pictures (PNG, JPEG, BMP, GIF or WebP), found none");
  folder.write("a.png", "no picture");
  folder.write("b.png", "");
  CHECK_THROWS_WITH(read_image_folder(folder.path()),
                    ContainsSubstring("found none, 2 are broken: \"a.png\": it is no picture (it is a text)"));
  CHECK_THROWS_WITH(read_image_folder(folder.path(), {.size = -1}),
                    ContainsSubstring("expected a size from 1 to 16384"));
  CHECK_THROWS_WITH(read_image_folder(folder.path(), {.channels = 2}),
                    ContainsSubstring("expected 1 or 3 channels, got 2"));
  CHECK_THROWS_WITH(read_image_folder(folder.path(), {.label_column = "x"}),
                    ContainsSubstring("expected a labels.csv for the column x"));
}
