#include "rival/sound/sound_file.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using rival_test::quoted;
using rival_test::TemporaryFolder;

namespace {

/// A tone of half the greatest loudness in each channel, in 16-bit steps.
Sound tone(Index rate, Index frames, Index channels, double hertz = 440) {
  Sound sound{rate, channels, {}};
  for (Index i = 0; i < frames; ++i)
    for (Index c = 0; c < channels; ++c)
      sound.samples.push_back(
          static_cast<float>(std::round(16384 * std::sin(6.283185307179586 * hertz * static_cast<double>((c + 1) * i) /
                                                         static_cast<double>(rate))) /
                             32768));
  return sound;
}

double greatest_difference(const Sound& a, const Sound& b) {
  double most = 0;
  for (std::size_t i = 0; i < std::min(a.samples.size(), b.samples.size()); ++i)
    most = std::max(most, static_cast<double>(std::abs(a.samples[i] - b.samples[i])));
  return most;
}

/// A WAV file as the format has it: 16-bit samples of one channel.
std::string wav_bytes(std::uint32_t rate, const std::vector<std::int16_t>& samples, std::uint32_t told_bytes) {
  std::string file;
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file += static_cast<char>(value >> (8 * i) & 255);
  };
  file += "RIFF";
  put(told_bytes + 36, 4);
  file += "WAVEfmt ";
  put(16, 4), put(1, 2), put(1, 2), put(rate, 4), put(2 * rate, 4), put(2, 2), put(16, 2);
  file += "data";
  put(told_bytes, 4);
  for (const std::int16_t sample : samples) put(static_cast<std::uint16_t>(sample), 2);
  return file;
}

}  // namespace

TEST_CASE("sound file: 16-bit samples are i / 32768, of a file whose bytes are written out here") {
  const std::string bytes = wav_bytes(8000, {0, 1, -1, 32767, -32768, 16384}, 12);
  const Sound sound = decode_sound(bytes, "it");
  CHECK(sound.rate == 8000);
  CHECK(sound.channels == 1);
  CHECK(sound.samples == std::vector<float>{0, 1 / 32768.0f, -1 / 32768.0f, 32767 / 32768.0f, -1, 0.5f});
  // And the other way, to the byte.
  CHECK(encode_sound(sound, ".wav") == bytes);
}

TEST_CASE("sound file: WAV and FLAC come back bit for bit, OGG nearly") {
  const TemporaryFolder folder;
  const Sound sound = tone(16000, 10'001, 2);
  for (const char* name : {"a.wav", "a.flac", "A.WAV"}) {
    INFO(name);
    write_sound(folder / name, sound);
    const Sound read = read_sound(folder / name);
    CHECK(read.rate == 16000);
    CHECK(read.channels == 2);
    CHECK(read.samples == sound.samples);
  }
  write_sound(folder / "a.ogg", sound);
  const Sound read = read_sound(folder / "a.ogg");
  CHECK(read.rate == 16000);
  CHECK(read.frames() == sound.frames());
  // Vorbis at its usual quality: well below a tenth of the tone, and not silence.
  CHECK(greatest_difference(read, sound) < 0.05);
}

TEST_CASE("sound file: float samples are kept beyond [-1, 1], 16-bit ones are rounded and cut off") {
  const Sound sound{44100, 1, {0.1f, 1.5f, -2.0f, 1e-6f, 0.5f / 32768, 1.49f / 32768}};
  CHECK(decode_sound(encode_sound(sound, ".wav", SampleFormat::float32), "it").samples == sound.samples);
  CHECK(decode_sound(encode_sound(sound, ".wav"), "it").samples ==
        std::vector<float>{3277 / 32768.0f, 32767 / 32768.0f, -1, 0, 1 / 32768.0f, 1 / 32768.0f});
}

TEST_CASE("sound file: what is empty, no sound, or cut short is told apart and named") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_sound(folder / "none.wav"), "sound " + quoted(folder / "none.wav") + ": no such file");
  CHECK_THROWS_WITH(read_sound(folder.write("empty.wav", "")),
                    "sound " + quoted(folder / "empty.wav") + ": it is empty");
  CHECK_THROWS_WITH(read_sound(folder.write("text.wav", "this is a text and no sound at all, however long it goes on")),
                    StartsWith("sound " + quoted(folder / "text.wav") + ": it is no sound that can be read ("));
  CHECK_THROWS_WITH(decode_sound(wav_bytes(8000, {}, 0), "it"), "it: it holds no samples");
  // Written to a pipe: the length was not known.
  CHECK(decode_sound(wav_bytes(22050, {1, 2, 3}, 0x7ffff000), "it").frames() == 3);

  const std::string flac = encode_sound(tone(8000, 20'000, 1, 1234), ".flac");
  for (const std::size_t size : {std::size_t{10}, flac.size() / 3, flac.size() - 3})
    CHECK_THROWS_AS(decode_sound(flac.substr(0, size), "it"), Error);
  const std::string floats = encode_sound({8000, 1, {0.25f, 0.5f}}, ".wav", SampleFormat::float32);
  std::string nan = floats;
  const float value = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(nan.data() + nan.size() - sizeof value, &value, sizeof value);
  CHECK_THROWS_WITH(decode_sound(nan, "it"), "it: expected finite samples, got NaN or infinity");
}

TEST_CASE("sound file: bytes that are changed or missing give a sound or an Error") {
  Index sounds = 0, errors = 0;
  const auto read = [&](std::string bytes) {
    try {
      sounds += decode_sound(std::move(bytes), "it").frames() > 0;
    } catch (const Error&) {
      ++errors;
    }
  };
  for (const std::string ending : {".wav", ".flac", ".ogg"}) {
    const std::string whole = encode_sound(tone(8000, 600, 1), ending);
    for (std::size_t at = 0; at < whole.size(); at += ending == ".ogg" ? 61 : 7) {
      for (const int flip : {1, 0x80, 0xff}) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        read(damaged);
      }
      read(whole.substr(0, at));
    }
  }
  CHECK(sounds > 100);  // a sample of a WAV file may be anything
  CHECK(errors > 100);
}

TEST_CASE("sound file: what cannot be written is refused, and an earlier file stays") {
  const TemporaryFolder folder;
  const Sound sound = tone(8000, 10, 1);
  CHECK_THROWS_WITH(write_sound(folder / "a.mid", sound),
                    "write_sound: expected a name that ends in .wav, .flac or .ogg, got \".mid\"");
  CHECK_THROWS_WITH(write_sound(folder / "a.flac", sound, SampleFormat::float32),
                    "write_sound: expected a .wav for samples of float, got .flac");
  CHECK_THROWS_WITH(write_sound(folder / "a.wav", {8000, 1, {}}), "write_sound: expected at least one frame");
  CHECK_THROWS_WITH(write_sound(folder / "a.wav", {0, 1, {0}}),
                    "write_sound: expected a rate from 1 to 1000000 Hz, got 0");
  CHECK_THROWS_WITH(write_sound(folder / "a.wav", {8000, 2, {0}}),
                    "write_sound: expected whole frames of 2 samples, got 1 samples");
  CHECK_THROWS_WITH(write_sound(folder / "a.wav", {8000, 1, {std::numeric_limits<float>::infinity()}}),
                    "write_sound: expected finite samples, got NaN or infinity");
  CHECK_THROWS_WITH(encode_sound(tone(8000, 10, 20), ".flac"),
                    StartsWith("write_sound: .flac cannot hold 20 channels at 8000 Hz ("));
  CHECK(folder.count() == 0);
}

TEST_CASE("sound: one channel is the mean of all") {
  CHECK(to_mono({8000, 2, {0, 1, 0.5f, -0.5f, -1, -0.5f}}).samples == std::vector<float>{0.5f, 0, -0.75f});
}

TEST_CASE("sound: silence at both ends goes in stretches of 10 ms, and what is between stays") {
  Sound sound{1000, 1, std::vector<float>(100)};  // stretches of ten
  sound.samples[25] = 0.5f, sound.samples[61] = -1;
  const Sound trimmed = trim_silence(sound);
  CHECK(trimmed.samples == std::vector<float>(sound.samples.begin() + 20, sound.samples.begin() + 70));
  // The stretch of one sample of 0.5 among ten is 16 dB below the greatest: 20 log10(0.5 / sqrt(10)).
  CHECK(trim_silence(sound, 15.9).samples ==
        std::vector<float>(sound.samples.begin() + 60, sound.samples.begin() + 70));
  CHECK(trim_silence(sound, 16.1).frames() == 50);
  CHECK(trim_silence({1000, 1, std::vector<float>(30)}).frames() == 30);
  CHECK_THROWS_WITH(trim_silence({8000, 2, {0, 0}}), "trim_silence: expected one channel, got 2");
  CHECK_THROWS_WITH(trim_silence(sound, 0), "trim_silence: expected decibels above 0, got 0");
}

TEST_CASE("sound: loudness, length, and one after the other") {
  CHECK(normalise({8000, 1, {0.25f, -0.5f}}, 1).samples == std::vector<float>{0.5f, -1});
  CHECK(normalise({8000, 1, {0, 0}}).samples == std::vector<float>{0, 0});
  CHECK(fit_length({8000, 2, {1, 2, 3, 4}}, 1).samples == std::vector<float>{1, 2});
  CHECK(fit_length({8000, 1, {1, 2}}, 4).samples == std::vector<float>{1, 2, 0, 0});
  CHECK(join({{8, 1, {1}}, {8, 1, {2}}}, 0.25).samples == std::vector<float>{1, 0, 0, 2});
  CHECK_THROWS_WITH(join({{8, 1, {1}}, {9, 1, {2}}}, 0),
                    "join: expected sounds of 8 Hz and 1 channels, got 9 Hz and 1");
  CHECK_THROWS_WITH(normalise({8000, 1, {1}}, 2), "normalise: expected a peak above 0 and at most 1, got 2");
  CHECK_THROWS_WITH(fit_length({8000, 1, {1}}, 0), "fit_length: expected at least 1 frame, got 0");
}
