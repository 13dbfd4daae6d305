#include "rival/data/sound_folder.hpp"

#include <cmath>

#include "catch.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

Sound tone(Index rate, Index frames, double hertz, Index channels = 1, double loudness = 0.25) {
  Sound sound{rate, channels, {}};
  for (Index i = 0; i < frames; ++i)
    for (Index c = 0; c < channels; ++c)
      sound.samples.push_back(static_cast<float>(
          loudness * std::cos(6.283185307179586 * hertz * static_cast<double>(i) / static_cast<double>(rate))));
  return sound;
}

void write(const TemporaryFolder& folder, const std::string& name, const Sound& sound) {
  std::filesystem::create_directories((folder / name).parent_path());
  write_sound(folder / name, sound);
}

}  // namespace

TEST_CASE("sound folder: samples are 16-bit, of one length, as loud as they can be") {
  const TemporaryFolder folder;
  write(folder, "b.wav", tone(8000, 300, 500));
  write(folder, "a.flac", tone(8000, 100, 500));
  const SoundFolder all = read_sound_folder(folder.path(), {.length = 200});
  REQUIRE(all.data.size() == 2);
  CHECK(all.data.sample_shape() == Shape{200, 1});
  CHECK(all.rate == 8000);
  CHECK(all.files == std::vector<std::filesystem::path>{"a.flac", "b.wav"});
  CHECK(all.longer == 1);
  CHECK(!all.data.has_labels());
  const auto a = all.data.values<std::int16_t>(0), b = all.data.values<std::int16_t>(1);
  CHECK(a[0] == 31130);   // 0.95 of 32768
  CHECK(a[16] == 31130);  // a period of 500 Hz
  CHECK(a[8] == -31130);
  for (std::size_t i = 100; i < 200; ++i) CHECK(a[i] == 0);
  CHECK(b[192] == 31130);
  // As numbers they are i / 32768.
  Tensor<float> batch;
  all.data.gather(std::vector<Index>{0}, batch);
  CHECK(batch.shape() == Shape({1, 200, 1}));
  CHECK(batch[0] == 31130 / 32768.0f);

  const SoundFolder quiet = read_sound_folder(folder.path(), {.length = 200, .normalise = false});
  CHECK(quiet.data.values<std::int16_t>(0)[0] == 8192);
}

TEST_CASE("sound folder: one rate, one channel, no silence around, classes from sub-folders") {
  const TemporaryFolder folder;
  write(folder, "10/a.wav", tone(16000, 3200, 500, 2));
  Sound quiet = tone(8000, 800, 500);
  quiet.samples.insert(quiet.samples.begin(), 1600, 0.0f);
  quiet.samples.resize(4000);
  write(folder, "9/c.wav", quiet);
  write(folder, "9/b.ogg", tone(8000, 1600, 500));
  folder.write("notes.txt", "no sound");
  const SoundFolder all = read_sound_folder(folder.path(), {.length = 1600, .rate = 8000, .trim = true});
  CHECK(all.class_names == std::vector<std::string>{"9", "10"});
  CHECK(all.files == std::vector<std::filesystem::path>{"10/a.wav", "9/b.ogg", "9/c.wav"});
  CHECK(all.data.labels()[0] == 1);
  CHECK(all.data.labels()[1] == 0);
  CHECK(all.data.classes() == 2);
  CHECK(all.mixed_down == 1);
  CHECK(all.others == 1);
  CHECK(all.data.values<std::int16_t>(2)[0] == 31130);  // the silence before it is gone
  CHECK(all.data.values<std::int16_t>(2)[799] != 0);
  CHECK(all.data.values<std::int16_t>(2)[800] == 0);
  // The tone of 16 kHz at 8 kHz, away from its ends.
  const auto resampled = all.data.values<std::int16_t>(0);
  for (std::size_t i = 800; i < 816; ++i)
    CHECK(std::abs(resampled[i] / static_cast<double>(resampled[800]) - std::cos(0.39269908 * static_cast<double>(i))) <
          0.01);
  CHECK(all.describe() ==
        "3 sounds of 1600 samples at 8000 Hz (0.2 s), made from 0.1 s to 0.2 s at 8000 to 16000 Hz\n"
        "2 classes from sub-folders: 9 (2), 10 (1)\n"
        "1 has several channels, of which the mean was taken\n"
        "1 other file was left alone\n");
}

TEST_CASE("sound folder: broken, empty and silent files are skipped and named, copies counted") {
  const TemporaryFolder folder;
  write(folder, "good.wav", tone(8000, 100, 500));
  std::filesystem::copy_file(folder / "good.wav", folder / "same.wav");
  folder.write("broken.wav", "this is no sound, whatever its name says");
  folder.write("empty.ogg", "");
  write(folder, "silent.wav", {8000, 1, std::vector<float>(50)});
  const SoundFolder all = read_sound_folder(folder.path(), {.length = 100});
  CHECK(all.data.size() == 2);
  CHECK(all.copies == 1);
  REQUIRE(all.skipped.size() == 3);
  CHECK(all.skipped[0].file == "broken.wav");
  CHECK_THAT(all.skipped[0].why, Catch::Matchers::StartsWith("it is no sound that can be read ("));
  CHECK(all.skipped[1].why == "it is empty");
  CHECK(all.skipped[2].why == "it is silent");
  CHECK_THAT(all.describe(), Catch::Matchers::Contains("3 files were skipped:\n  broken.wav: it is no sound"));
  CHECK_THAT(all.describe(), Catch::Matchers::Contains("1 is the same file as another\n"));
}

TEST_CASE("sound folder: what is silent as far as it is taken is skipped") {
  const TemporaryFolder folder;
  write(folder, "a.wav", tone(8000, 300, 500));
  Sound late{8000, 1, std::vector<float>(500)};
  late.samples.resize(1000, 0.5F);
  write(folder, "late.wav", late);
  const SoundFolder all = read_sound_folder(folder.path(), {.length = 400, .trim = false});
  CHECK(all.data.size() == 1);
  REQUIRE(all.skipped.size() == 1);
  CHECK(all.skipped[0].why == "its first 400 samples are silent");
  CHECK_THROWS_AS(read_sound_folder(std::string(5000, 'x')), Error);
}

TEST_CASE("sound folder: the same bits, whatever the number of threads") {
  const TemporaryFolder folder;
  for (int i = 0; i < 12; ++i) write(folder, std::to_string(i) + ".wav", tone(11025, 500 + 100 * i, 300 + 50 * i));
  const SoundFolderOptions options{.length = 400, .rate = 8000, .trim = true};
  const int before = threads();
  set_threads(1);
  const auto one = read_sound_folder(folder.path(), options).data.fingerprint();
  set_threads(2);
  CHECK(read_sound_folder(folder.path(), options).data.fingerprint() == one);
  set_threads(before);
}

TEST_CASE("sound folder: what cannot be is refused") {
  const TemporaryFolder folder;
  const std::string what = "folder " + quoted(folder.path());
  CHECK_THROWS_WITH(read_sound_folder(folder / "none"), "folder " + quoted(folder / "none") + ": no such folder");
  CHECK_THROWS_WITH(read_sound_folder(folder.path()),
                    what + ": expected sounds (WAV, FLAC, OGG, MP3, AIFF or AU), found none");
  folder.write("empty.wav", "");
  CHECK_THROWS_WITH(read_sound_folder(folder.path()),
                    what + ": expected sounds (WAV, FLAC, OGG, MP3, AIFF or AU), found none, 1 are broken: " +
                        "\"empty.wav\": it is empty");
  write(folder, "a.wav", tone(8000, 100, 500));
  write(folder, "b.wav", tone(16000, 100, 500));
  CHECK_THROWS_WITH(
      read_sound_folder(folder.path()),
      what + ": expected sounds of one rate, or a `rate` for all, got " + "8000 Hz and, in \"b.wav\", 16000 Hz");
  CHECK_THROWS_WITH(read_sound_folder(folder / "a.wav"),
                    "folder " + quoted(folder / "a.wav") + ": expected a folder, got a file");
  CHECK_THROWS_WITH(read_sound_folder(folder.path(), {.length = 0}),
                    what + ": expected a length from 1 to 2^24 samples, got 0");
  CHECK_THROWS_WITH(read_sound_folder(folder.path(), {.rate = -1}),
                    what + ": expected a rate from 1 to 1000000 Hz, got -1");
}
