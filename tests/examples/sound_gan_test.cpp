// Runs sound_gan as a user does.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "rival/image/read_image.hpp"
#include "rival/io/sampler.hpp"
#include "rival/sound/sound_file.hpp"
#include "run_program.hpp"
#include "temporary_folder.hpp"

using Catch::Matchers::ContainsSubstring;
using rival_test::Arguments;
using rival_test::content;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

/// Tones of two pitches in sub-folders, others of them beside, and a broken file.
struct Tones : TemporaryFolder {
  Tones() {
    make("train", 20);
    make("test", 6);
    rival::replace_file(*this / "train" / "low" / "broken.wav", std::string("x"));
  }

 private:
  void make(const std::string& part, int count) const {
    for (int i = 0; i < count; ++i) {
      const auto kind = *this / part / (i % 2 == 0 ? "low" : "high");
      std::filesystem::create_directories(kind);
      rival::Sound sound{8000, 1, {}};
      for (int t = 0; t < 900; ++t)
        sound.samples.push_back(0.5f * std::sin((i % 2 == 0 ? 0.2f : 1.1f) * static_cast<float>(t + i)));
      rival::write_sound(kind / (std::to_string(i) + ".wav"), sound);
    }
  }
};

/// A quick run. An option of `more` takes the place of the one here.
Arguments quick(const Tones& tones, const std::string& out, const Arguments& more) {
  Arguments all{(tones / "train").string(), "--out", (tones / out).string()};
  for (const auto& [option, value] :
       std::map<std::string, std::string>{{"--length", "1024"}, {"--width", "2"}, {"--batch", "4"}, {"--threads", "1"}})
    if (std::find(more.begin(), more.end(), option) == more.end()) all.insert(all.end(), {option, value});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

rival_test::Run run(const Arguments& arguments) { return rival_test::run(RIVAL_SOUND_GAN_BINARY, arguments); }

}  // namespace

TEST_CASE("sound_gan: leaves sounds, their spectrograms, a report that plays them, and the judge's verdict") {
  const Tones tones;
  const auto result = run(quick(tones, "out", {"--steps", "3", "--judge", (tones / "test").string()}));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, ContainsSubstring("20 sounds of 1024 samples at 8000 Hz (0.128 s)") &&
                             ContainsSubstring("2 classes from sub-folders: high (10), low (10)\n") &&
                             ContainsSubstring("1 file was skipped:\n  low/broken.wav: ") &&
                             ContainsSubstring("judge: inception score "));
  const auto out = tones / "out";
  for (const char* name : {"losses.csv", "losses.svg", "summary.txt", "report.html", "generator.safetensors"})
    CHECK(std::filesystem::file_size(out / name) > 0);
  // Two classes of ten sounds each, of 0.128 s, with a tenth of a second between.
  const rival::Sound all = rival::read_sound(out / "samples.wav");
  CHECK(all.rate == 8000);
  CHECK(all.frames() == 20 * 1024 + 19 * 800);
  const rival::Sound last = rival::read_sound(out / "samples" / "019-low.wav");
  CHECK(last.frames() == 1024);
  CHECK(std::equal(last.samples.begin(), last.samples.end(), all.samples.end() - 1024));
  CHECK(std::filesystem::exists(out / "samples" / "000-high.wav"));
  // 16 frames by 32 bands, twice as large, ten in a row.
  const rival::Image picture = rival::read_image(out / "samples.png");
  CHECK(picture.width == 10 * (2 * 16 + 2) + 2);
  CHECK(picture.height == 2 * (2 * 32 + 2) + 2);
  CHECK_THAT(read_bytes(out / "report.html"), ContainsSubstring("src=\"data:audio/wav;base64,UklGR") &&
                                                  ContainsSubstring("<figcaption>high</figcaption>") &&
                                                  ContainsSubstring("media-src data:"));
  CHECK_THAT(read_bytes(out / "summary.txt"), ContainsSubstring("judge: inception score "));
  const auto sampler = rival::load_sampler(out / "generator.safetensors");
  CHECK(sampler.generator().output_shape() == rival::Shape{1024, 1});
}

TEST_CASE("sound_gan: a rerun leaves no sound of an earlier one, and what is the user's") {
  const Tones tones;
  const auto folder = tones / "out" / "samples";
  std::filesystem::create_directories(folder);
  for (const char* name : {"000-violin.wav", "099.wav", "mine.wav", "0123.wav", "notes.txt"})
    rival::replace_file(folder / name, std::string("x"));
  REQUIRE(run(quick(tones, "out", {"--steps", "1"})).code == 0);
  CHECK(std::filesystem::exists(folder / "000-high.wav"));
  for (const char* name : {"000-violin.wav", "099.wav"}) CHECK_FALSE(std::filesystem::exists(folder / name));
  for (const char* name : {"mine.wav", "0123.wav", "notes.txt"}) CHECK(std::filesystem::exists(folder / name));
}

TEST_CASE("sound_gan: goes on to the same files, on spectrograms and on samples") {
  for (const Arguments& kind : {Arguments{}, Arguments{"--spectrograms", "--unconditional"}}) {
    const Tones tones;
    const auto with = [&](const std::string& out, Arguments more) {
      more.insert(more.end(), kind.begin(), kind.end());
      more.insert(more.end(), {"--steps", "4", "--checkpoint-every", "2"});
      return run(quick(tones, out, more));
    };
    REQUIRE(with("whole", {}).code == 0);
    std::filesystem::create_directories(tones / "parted");
    REQUIRE(with("parted", {"--keep", "2"}).code == 0);
    // As if it had ended after two steps.
    std::filesystem::remove(tones / "parted" / "checkpoint-000004.safetensors");
    const auto resumed = run({"--resume", "--out", (tones / "parted").string(), "--threads", "1"});
    INFO(resumed.err);
    REQUIRE(resumed.code == 0);
    for (const char* name : {"generator.safetensors", "samples.wav", "samples.png"}) {
      INFO(name);
      CHECK(read_bytes(tones / "whole" / name) == read_bytes(tones / "parted" / name));
    }
  }
}

TEST_CASE("sound_gan: the paper's recipe, and as many steps as fit into the time") {
  const Tones tones;
  const auto result = run(quick(tones, "out", {"--recipe", "wavegan", "--minutes", "0.01"}));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, ContainsSubstring(" steps, as many as fit into 0.01 minutes here; --steps "));
}

TEST_CASE("sound_gan: what cannot be is said in one line") {
  const Tones tones;
  const auto refused = [&](const Arguments& more, const std::string& why) {
    const auto result = run(quick(tones, "out", more));
    CHECK(result.code == 2);
    CHECK_THAT(result.err, ContainsSubstring("sound_gan: " + why));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  };
  refused({"--length", "5000"}, "--length: ");
  refused({"--recipe", "dcgan"}, "--recipe: expected rpgan or wavegan, got dcgan\n");
  refused({"--batch", "30"},
          "--batch: expected at most 20 for 20 sounds and the 1 discriminator steps of rpgan, got 30\n");
  refused({"--steps", "2", "--minutes", "1"}, "--minutes: expected no --steps beside it\n");
  refused({"--steps", "2", "--judge", (tones / "none").string()},
          "folder " + quoted(tones / "none") + ": no such folder\n");
  // The judge's sounds are of other classes, or there are none at all.
  std::filesystem::create_directories(tones / "others/x");
  std::filesystem::create_directories(tones / "others/y");
  std::filesystem::create_directories(tones / "plain");
  const auto sound = tones / "test/low";
  const auto file = std::filesystem::directory_iterator(sound)->path();
  for (const char* to :
       {"others/x/a.wav", "others/y/a.wav", "plain/a.wav", "plain/b.wav", "plain/c.wav", "plain/d.wav"})
    std::filesystem::copy(file, tones / to);
  refused({"--steps", "2", "--judge", (tones / "others").string()},
          "--judge: expected sub-folders of the same names in ");
  const auto plain = run({(tones / "plain").string(), "--length", "1024", "--batch", "2", "--steps", "1", "--quiet",
                          "--out", (tones / "out").string(), "--judge", (tones / "test").string()});
  CHECK_THAT(plain.err, ContainsSubstring("sound_gan: --judge: expected sounds in sub-folders, as classes, in "));
  refused({"--minutes", "1e300"}, "--minutes: expected at most 1000000, got 1e+300\n");
  const auto none = run({"--out", (tones / "out").string()});
  CHECK(none.err == "sound_gan: expected a folder of sounds (--help says more)\n");
  CHECK(!std::filesystem::exists(tones / "out"));
}
