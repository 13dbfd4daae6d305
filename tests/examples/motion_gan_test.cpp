// Runs motion_gan as a user does.
#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "rival/image/gif.hpp"
#include "rival/image/read_animation.hpp"
#include "rival/io/sampler.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_MOTION_GAN_BINARY, arguments); }

/// A quick run on digits. An option of `more` takes the place of the one here.
Arguments quick(const std::filesystem::path& out, const Arguments& more) {
  Arguments all{"--out", out.string()};
  for (const auto& [option, value] : std::map<std::string, std::string>{{"--clips", "40"},
                                                                        {"--frames", "4"},
                                                                        {"--size", "28"},
                                                                        {"--width", "2"},
                                                                        {"--batch", "8"},
                                                                        {"--judged", "12"},
                                                                        {"--threads", "1"}})
    if (std::find(more.begin(), more.end(), option) == more.end()) all.insert(all.end(), {option, value});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

int frames_in(const std::filesystem::path& path) {
  int frames = 0;
  rival::read_animation(rival::internal::read_whole("animation", path), "it", [&](rival::Image&&) {
    ++frames;
    return true;
  });
  return frames;
}

}  // namespace

TEST_CASE("motion_gan: leaves clips, a report and figures beside those of real clips") {
  const TemporaryFolder folder;
  const std::string recipe = GENERATE("moving", "frames", "mocogan");
  INFO(recipe);
  const auto result = run(quick(folder / "out", {"--steps", "3", "--recipe", recipe}));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, ContainsSubstring("40 clips of 4 frames of 28x28: handwritten digits that bounce about\n") &&
                             ContainsSubstring("real: one digit in all frames ") &&
                             ContainsSubstring("generated: one digit in all frames "));
  CHECK(frames_in(folder / "out" / "samples.gif") == 4);
  CHECK(frames_in(folder / "out" / "progress.gif") >= 2);
  auto files = content(folder / "out");
  for (const char* name : {"samples.png", "losses.csv", "losses.svg", "generator.safetensors"})
    CHECK(files.count(name));
  CHECK_THAT(files["summary.txt"], ContainsSubstring("recipe " + recipe + ", batch 8, seed 1, threads 1\n") &&
                                       ContainsSubstring("steps 3 of 3") && ContainsSubstring("generated: one digit"));
  CHECK_THAT(files["report.html"], ContainsSubstring("<h2>Clips</h2>") && ContainsSubstring("How good they are"));
  const auto sampler = rival::load_sampler(folder / "out" / "generator.safetensors");
  CHECK(sampler.generator().output_shape() == rival::Shape({4, 28, 28, 1}));
}

TEST_CASE("motion_gan: goes on after a break to the files of an unbroken run") {
  const TemporaryFolder folder;
  REQUIRE(run(quick(folder / "whole", {"--steps", "6"})).code == 0);
  REQUIRE(run(quick(folder / "broken", {"--steps", "6", "--checkpoint-every", "4", "--keep", "2"})).code == 0);
  std::filesystem::remove(folder / "broken" / "checkpoint-000006.safetensors");
  const auto rest = run({"--out", (folder / "broken").string(), "--resume", "--threads", "1"});
  INFO(rest.err);
  CHECK(rest.code == 0);
  for (const char* name : {"generator.safetensors", "samples.gif", "progress.gif"}) {
    INFO(name);
    CHECK(content(folder / "broken")[name] == content(folder / "whole")[name]);
  }
}

TEST_CASE("motion_gan: trains on a folder of clips") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "clips");
  for (int i = 0; i < 6; ++i) {
    rival::Animation animation;
    for (int t = 0; t < 5; ++t)
      animation.add({30, 40, 3, std::vector<std::uint8_t>(3600, static_cast<std::uint8_t>(20 * t + i))});
    animation.save(folder / "clips" / (std::to_string(i) + ".gif"));
  }
  const auto result = run({(folder / "clips").string(), "--out", (folder / "out").string(), "--frames", "4", "--size",
                           "28", "--width", "2", "--batch", "2", "--steps", "2", "--channels", "3"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, ContainsSubstring("6 clips of 4 frames of 28x28, in colour, made from 6 animations of 30x40\n"
                                           "6 frames at ends were left over\n") &&
                             !ContainsSubstring("one digit"));
  CHECK(rival::load_sampler(folder / "out" / "generator.safetensors").generator().output_shape() ==
        rival::Shape({4, 28, 28, 3}));
}

TEST_CASE("motion_gan: what cannot be run is said in one line") {
  const TemporaryFolder folder;
  const auto refused = [&](const Arguments& arguments, const std::string& why) {
    const auto result = run(arguments);
    CHECK(result.code == 2);
    CHECK(result.err == "motion_gan: " + why + "\n");
  };
  refused({"--frames", "2"}, "--frames: expected 3 to 256, got 2");
  refused({"--size", "30"}, "--size: expected 28, 32 or 64, got 30");
  refused({"--recipe", "x"}, "--recipe: expected moving, frames or mocogan, got x");
  refused({"--clips", "3"}, "--clips: expected 4 to 1,000,000, got 3");
  refused({"--minutes", "0"}, "--minutes: expected a positive number, got 0");
  refused({"--minutes", "1", "--steps", "1"}, "--minutes: expected no --steps beside it");
  refused({folder.path().string(), "--clips", "9"}, "--clips: expected no folder of clips beside it");
  refused({(folder / "none").string()}, "folder " + quoted(folder / "none") + ": no such folder");
  refused(quick(folder / "out", {"--batch", "41"}), "--batch: expected at most the 40 clips, got 41");
}
