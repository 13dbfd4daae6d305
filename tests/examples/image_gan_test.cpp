// Runs image_gan as a user does.
#include "catch.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <string>

#include "rival/image/png.hpp"
#include "rival/image/read_image.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/sampler.hpp"
#include "run_program.hpp"
#include "small_digits.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::lines;
using rival_test::promised;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

/// Pictures of two kinds in sub-folders, and a broken one.
struct Pictures : TemporaryFolder {
  explicit Pictures(int count = 40, rival::Index height = 40, rival::Index width = 36, rival::Index channels = 3) {
    for (int i = 0; i < count; ++i) {
      const auto kind = folder() / (i % 2 == 0 ? "cats" : "dogs");
      std::filesystem::create_directories(kind);
      rival::Image image{height, width, channels, {}};
      for (rival::Index k = 0; k < height * width * channels; ++k)
        image.bytes.push_back(static_cast<std::uint8_t>(i % 2 == 0 ? k * 7 + i : 255 - k % 90));
      rival::write_png(kind / (std::to_string(i) + ".png"), image);
    }
    rival::replace_file(folder() / "cats" / "broken.png", std::string("x"));
  }
  std::filesystem::path folder() const { return *this / "pictures"; }
};

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_IMAGE_GAN_BINARY, arguments); }

/// A quick run on pictures, its cache beside them.
Arguments quick(const Pictures& pictures, const std::string& out, const Arguments& more) {
  const bool own_recipe = std::find(more.begin(), more.end(), "--recipe") != more.end();
  Arguments all{pictures.folder().string(),
                "--out",
                (pictures / out).string(),
                "--cache",
                (pictures / "cache").string(),
                "--width",
                "4",
                "--batch",
                "8"};
  if (!own_recipe) all.insert(all.end(), {"--recipe", "dcgan"});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("image_gan: says what it made of the folder, and leaves what mnist_gan leaves, in colour") {
  const Pictures pictures;
  const auto result = run(quick(pictures, "out", {"--steps", "3", "--samples", "5"}));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, ContainsSubstring("40 pictures of 32x32, in colour, made from 40x36\n") ||
                             ContainsSubstring("40 pictures of 32x32, in colour, made from 40x36 to 40x36\n"));
  CHECK_THAT(result.out, ContainsSubstring("2 classes from sub-folders: cats (20), dogs (20)\n") &&
                             ContainsSubstring("1 file was skipped:\n  cats/broken.png: ") &&
                             ContainsSubstring("augmentation is on, for 40 pictures") &&
                             ContainsSubstring("warning: 40 pictures are few"));
  auto files = content(pictures / "out");
  for (const auto& name : promised) {
    INFO(name);
    CHECK(files.count(name) == 1);
  }
  CHECK(rival::read_npy<std::uint8_t>(pictures / "out" / "generated.npy").shape() == rival::Shape({5, 32, 32, 3}));
  CHECK_THAT(files["summary.txt"], ContainsSubstring("recipe dcgan, batch 8, augmentation on") &&
                                       ContainsSubstring("steps 3 of 3") && ContainsSubstring("D.augment1"));
  const auto generator = rival::load_generator(pictures / "out" / "generator.safetensors");
  CHECK(generator.output_shape() == rival::Shape({32, 32, 3}));
  CHECK(std::filesystem::exists(pictures / "cache"));

  // The second start takes the pictures from the cache, to the same bits; other sizes and grey are asked for.
  auto again = content(pictures / "out");
  CHECK(run(quick(pictures, "again", {"--steps", "3"})).code == 0);
  CHECK(content(pictures / "again")["generator.safetensors"] == again["generator.safetensors"]);
  CHECK(run(quick(pictures, "grey",
                  {"--steps", "1", "--size", "64", "--channels", "1", "--pad", "--flip", "--augment", "off"}))
            .code == 0);
  CHECK(rival::load_generator(pictures / "grey" / "generator.safetensors").output_shape() == rival::Shape({64, 64, 1}));
  CHECK_THAT(content(pictures / "grey")["summary.txt"], ContainsSubstring(", 80, recipe dcgan"));
}

TEST_CASE("image_gan: the bundled avatars, whose labels.csv says what they show") {
  const TemporaryFolder folder;
  const auto avatars = std::filesystem::path(RIVAL_MNIST_DIR).parent_path() / "avatars";
  const rival::Image sheet = rival::read_image(avatars / "avatars.png");
  REQUIRE(sheet.width == 25 * 32);
  REQUIRE(sheet.height == 20 * 32);
  std::filesystem::create_directory(folder / "avatars");
  std::filesystem::copy_file(avatars / "avatars.csv", folder / "avatars" / "labels.csv");
  for (rival::Index i = 0; i < 500; ++i) {
    rival::Image one{32, 32, 3, {}};
    for (rival::Index y = 0; y < 32; ++y) {
      const auto from = sheet.bytes.begin() + ((i / 25 * 32 + y) * sheet.width + i % 25 * 32) * 3;
      one.bytes.insert(one.bytes.end(), from, from + 32 * 3);
    }
    char name[16];
    std::snprintf(name, sizeof name, "%05d.png", static_cast<int>(i));
    rival::write_png(folder / "avatars" / name, one);
  }
  const auto result = run({(folder / "avatars").string(), "--label-column", "glasses", "--recipe", "acgan", "--width",
                           "4", "--batch", "10", "--steps", "2", "--cache", "", "--out", (folder / "out").string()});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, ContainsSubstring("500 pictures of 32x32, in colour\n2 classes from labels.csv: glasses (") &&
                             !ContainsSubstring("skipped"));
}

TEST_CASE("image_gan: minutes become steps, and those repeat the run") {
  const Pictures pictures;
  const auto timed = run(quick(pictures, "timed", {"--minutes", "0.03"}));
  INFO(timed.out << timed.err);
  REQUIRE(timed.code == 0);
  std::smatch found;
  REQUIRE(std::regex_search(timed.out, found, std::regex("(\\d+) steps, as many as fit into 0.03 minutes here")));
  auto files = content(pictures / "timed");
  std::smatch made;
  REQUIRE(std::regex_search(files["summary.txt"], made, std::regex("steps (\\d+) of (\\d+)")));
  CHECK(made[2] == found[1]);
  if (made[1] != made[2]) {
    CHECK_THAT(timed.out, ContainsSubstring("the time is over at step " + made[1].str()));
    CHECK_THAT(files["summary.txt"], ContainsSubstring(" (the time is over)"));
  } else {
    CHECK(run(quick(pictures, "steps", {"--steps", found[1]})).code == 0);
    CHECK(content(pictures / "steps")["generator.safetensors"] == files["generator.safetensors"]);
  }
}

TEST_CASE("image_gan: a conditional recipe learns the sub-folders, and its file has their names") {
  const Pictures pictures(24, 28, 28, 1);
  const auto result = run(quick(pictures, "out", {"--recipe", "projection", "--steps", "2", "--label", "dogs"}));
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto sampler = rival::load_sampler(pictures / "out" / "generator.safetensors");
  CHECK(sampler.generator().output_shape() == rival::Shape({28, 28, 1}));  // as they are
  CHECK(sampler.classes() == 2);
  CHECK(sampler.class_name(1) == "dogs");
  const auto wrong = run(quick(pictures, "wrong", {"--recipe", "projection", "--steps", "2", "--label", "1"}));
  CHECK(wrong.code == 2);
  CHECK(wrong.err == "image_gan: --label: expected one of the 2 classes cats, dogs, got 1\n");
}

TEST_CASE("image_gan: goes on after a break to the files of an unbroken run") {
  const Pictures pictures;
  REQUIRE(run(quick(pictures, "whole", {"--steps", "6", "--threads", "1"})).code == 0);
  REQUIRE(run(quick(pictures, "broken", {"--steps", "6", "--checkpoint-every", "4", "--keep", "2"})).code == 0);
  std::filesystem::remove(pictures / "broken" / "checkpoint-000006.safetensors");
  const auto rest = run({"--out", (pictures / "broken").string(), "--resume"});
  CHECK(rest.err.empty());
  CHECK(rest.code == 0);
  for (const char* name : {"generator.safetensors", "samples.png", "progress.gif"}) {
    INFO(name);
    CHECK(content(pictures / "broken")[name] == content(pictures / "whole")[name]);
  }
}

TEST_CASE("image_gan: refuses what it cannot run, in one line") {
  const Pictures pictures;
  const auto refuse = [&](Arguments arguments, const std::string& expected) {
    arguments.insert(arguments.end(), {"--out", (pictures / "none").string()});
    const auto result = run(arguments);
    CHECK(result.code == 2);
    CHECK(lines(result.err).size() == 1);
    CHECK_THAT(result.err, ContainsSubstring("image_gan: ") && ContainsSubstring(expected));
    CHECK(!std::filesystem::exists(pictures / "none"));
  };
  const std::string folder = pictures.folder().string();
  refuse({}, "expected a folder of pictures, or an .npy or IDX file");
  refuse({(pictures / "missing").string()}, "expected a folder or file of pictures, found no ");
  rival::replace_file(pictures / "one.png", "never read");
  refuse({(pictures / "one.png").string()}, "with all of them, got one picture, ");
  refuse({folder, "--size", "48"}, "--size: expected 28, 32 or 64, got 48");
  refuse({folder, "--minutes", "0"}, "--minutes: expected a positive number, got 0");
  refuse({folder, "--minutes", "1", "--steps", "3"}, "--minutes: expected no --steps beside it");
  refuse({folder, "--augment", "maybe"}, "--augment: expected on, off or auto, got maybe");
  refuse({folder, "--recipe", "none", "--steps", "1", "--cache", ""}, "recipe: expected one of ");
  refuse({folder, "--batch", "41", "--steps", "1", "--cache", ""}, "--batch: expected at most the 40 pictures, got 41");
  refuse({folder, "--wide", "narrow", "--cache", ""},
         "expected no such arguments: --wide narrow (--help lists the options)");
  refuse({folder, "--minute", "3", "--cache", ""}, "arguments: --minute 3 (did you mean --minutes?) (--help lists ");
  refuse({folder, "--colourful", "--cache", ""}, "expected no such arguments: --colourful (--help lists the options)");
  refuse({folder, "--labels", folder}, "--labels: expected a file of pictures; a folder's classes are its sub-folders");
  refuse({folder, "--transpose"}, "--transpose: expected an IDX file of pictures, got a folder");
  rival::write_npy(pictures / "bytes.npy", rival::Tensor<std::uint8_t>({8, 28, 28}));
  refuse({(pictures / "bytes.npy").string(), "--pad"}, "--pad: expected a folder of pictures, got a file");
  rival::write_npy(pictures / "rows.npy", rival::Tensor<float>({8, 5}));
  refuse({(pictures / "rows.npy").string(), "--steps", "1"},
         "expected pictures of 28, 32 or 64 pixels square, grey or in colour");
}
