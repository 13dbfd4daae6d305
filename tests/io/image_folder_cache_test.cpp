#include "rival/io/image_folder_cache.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/image/png.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;
namespace fs = std::filesystem;

namespace {

struct Pictures : TemporaryFolder {
  Pictures() {
    add("b/two.png", 2);
    add("a/one \xc3\xa9.png", 1);
    write("broken.png", "");
    write("notes.txt", "x");
  }
  void add(const std::string& name, std::uint8_t value) const {
    fs::create_directories((pictures() / name).parent_path());
    write_png(pictures() / name, Image{2, 3, 1, std::vector<std::uint8_t>(6, value)});
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(pictures());
    std::ofstream(pictures() / name, std::ios::binary) << text;
  }
  fs::path pictures() const { return *this / "pictures"; }
  fs::path cache() const { return *this / "not yet" / "cache"; }
  ImageFolder read(const ImageFolderOptions& options = {}) const {
    return read_image_folder(pictures(), options, cache());
  }
  std::vector<fs::path> kept(const std::string& ending) const {
    std::vector<fs::path> all;
    if (fs::exists(cache()))
      for (const auto& entry : fs::directory_iterator(cache()))
        if (entry.path().extension() == ending) all.push_back(entry.path());
    return all;
  }
};

bool same(const ImageFolder& a, const ImageFolder& b) {
  return a.describe() == b.describe() && a.files == b.files && a.data.fingerprint() == b.data.fingerprint() &&
         a.class_names == b.class_names && a.extents == b.extents;
}

}  // namespace

TEST_CASE("image folder cache: the second time the pictures come from there, all that is said of them too") {
  const Pictures folder;
  const ImageFolder plain = read_image_folder(folder.pictures());
  CHECK(plain.data.classes() == 2);
  CHECK(plain.skipped.size() == 1);
  const ImageFolder first = folder.read();
  CHECK(same(first, plain));
  REQUIRE(folder.kept(".npy").size() == 1);
  REQUIRE(folder.kept(".json").size() == 1);
  CHECK(same(folder.read(), plain));

  // What is in the cache is taken: another byte there is another picture.
  const fs::path npy = folder.kept(".npy")[0];
  {
    std::fstream file(npy, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-1, std::ios::end);
    file.put('\x77');
  }
  const ImageFolder changed = folder.read();
  CHECK(changed.data.values(1)[5] == 0x77);
  CHECK(read_npy<std::uint8_t>(npy).shape() == Shape({2, 2, 3, 1}));
}

TEST_CASE("image folder cache: other files, times or options are read anew") {
  const Pictures folder;
  folder.read();
  CHECK(folder.read({.size = 2}).data.sample_shape() == Shape({2, 2, 1}));
  CHECK(folder.kept(".npy").size() == 2);
  folder.add("b/three.png", 3);
  CHECK(folder.read().data.size() == 3);
  fs::last_write_time(folder.pictures() / "b/three.png", fs::file_time_type::clock::now() + std::chrono::hours(1));
  const std::size_t before = folder.kept(".npy").size();
  CHECK(folder.read().data.size() == 3);
  CHECK(folder.kept(".npy").size() == before + 1);
}

TEST_CASE("image folder cache: what is damaged there, or cannot be kept, does no harm") {
  const Pictures folder;
  const ImageFolder plain = read_image_folder(folder.pictures());
  folder.read();
  const fs::path npy = folder.kept(".npy")[0], json = folder.kept(".json")[0];
  fs::resize_file(npy, fs::file_size(npy) - 1);
  CHECK(same(folder.read(), plain));
  CHECK(same(folder.read(), plain));
  std::ofstream(json) << "{\"files\":[]}";
  CHECK(same(folder.read(), plain));
  CHECK(same(folder.read(), plain));

  folder.write("../file", "no folder");
  CHECK(same(read_image_folder(folder.pictures(), {}, folder / "file"), plain));
  folder.add("a/\xff.png", 4);  // a name that JSON cannot hold
  const std::size_t before = folder.kept(".npy").size();
  CHECK(folder.read().data.size() == 3);
  CHECK(folder.kept(".npy").size() == before);
  CHECK_THROWS_AS(read_image_folder(folder / "no", {}, folder.cache()), Error);
}
