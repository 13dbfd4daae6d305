#pragma once
// Sound files: WAV, FLAC, OGG and whatever else libsndfile knows. Needs libsndfile (rival::sndfile).

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/error.hpp"
#include "rival/core/file.hpp"
#include "rival/core/finite.hpp"
#include "rival/sound/sound.hpp"

namespace rival {

/// How a sample is kept in a file. OGG has a way of its own and takes no other.
enum class SampleFormat {
  int16,   ///< a whole number of 16 bits, to which the sample is rounded
  float32  ///< a float, as the sample is
};

namespace internal {

/// libsndfile's view of bytes in memory.
class SoundBytes {
 public:
  explicit SoundBytes(std::string bytes = {}) : bytes_(std::move(bytes)) {}

  /// Opens it. `info` says what is to be written, and gets what is read. Null where libsndfile cannot.
  SNDFILE* open(int mode, SF_INFO& info) {
    SF_VIRTUAL_IO calls{
        [](void* self) { return static_cast<sf_count_t>(of(self).bytes_.size()); },
        [](sf_count_t offset, int whence, void* self) { return of(self).seek(offset, whence); },
        [](void* out, sf_count_t count, void* self) { return of(self).read(out, count); },
        [](const void* from, sf_count_t count, void* self) { return of(self).write(from, count); },
        [](void* self) { return static_cast<sf_count_t>(of(self).at_); },
    };
    return sf_open_virtual(&calls, mode, &info, this);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  static SoundBytes& of(void* self) { return *static_cast<SoundBytes*>(self); }

  sf_count_t seek(sf_count_t offset, int whence) {
    const auto size = static_cast<sf_count_t>(bytes_.size()), at = static_cast<sf_count_t>(at_);
    const sf_count_t to = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? at : size);
    if (to < 0 || to > size) return -1;
    at_ = static_cast<std::size_t>(to);
    return to;
  }
  sf_count_t read(void* out, sf_count_t count) {
    if (count <= 0) return 0;
    const std::size_t got = std::min(static_cast<std::size_t>(count), bytes_.size() - at_);
    std::memcpy(out, bytes_.data() + at_, got);
    at_ += got;
    return static_cast<sf_count_t>(got);
  }
  sf_count_t write(const void* from, sf_count_t count) {
    if (count <= 0) return 0;
    const auto size = static_cast<std::size_t>(count);
    if (bytes_.size() < at_ + size) bytes_.resize(at_ + size);
    std::memcpy(bytes_.data() + at_, from, size);
    at_ += size;
    return count;
  }

  std::string bytes_;
  std::size_t at_ = 0;
};

/// The 16-bit sample nearest to a number.
inline std::int16_t to_int16(float sample) {
  return static_cast<std::int16_t>(std::clamp(std::round(sample * 32768.0f), -32768.0f, 32767.0f));
}

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SoundHandle = std::unique_ptr<SNDFILE, CloseSound>;

/// What a file's name ends in, in small letters: ".wav".
inline std::string ending_of(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending;
}

/// What a whole file may hold: one of a few bytes may tell of hours of silence, which would take all memory.

/// So many frames at once: libsndfile's OGG writer takes them to the stack.
inline constexpr Index frames_at_once = 4096;

}  // namespace internal

/// The sound in the bytes of a file, whose kind is found in them: WAV, AIFF, AU, CAF, W64, FLAC, OGG (Vorbis, Opus),
/// MP3 and others, of integers, of floats or packed. Integers of b bits become i / 2^(b-1), 16-bit ones i / 32768. Of a
/// WAV file that ends before the length that it tells, what is there is read: who writes to a pipe knows no length.
/// `what` begins errors. Throws Error for bytes that are no sound, for a damaged or an empty one, and for more than
/// 2^28 samples.
inline Sound decode_sound(std::string bytes, std::string_view what) {
  using namespace internal;
  require(!bytes.empty(), what, ": it is empty");
  SoundBytes memory(std::move(bytes));
  SF_INFO info{};
  const SoundHandle file(memory.open(SFM_READ, info));
  require(file != nullptr, what, ": it is no sound that can be read (", sf_strerror(nullptr), ")");
  Sound sound{info.samplerate, info.channels, {}};
  require(sound.rate >= 1 && sound.rate <= 1'000'000 && sound.channels >= 1, what,
          ": expected a rate from 1 to 1000000 Hz and a channel at least, got ", sound.rate, " Hz and ",
          sound.channels);
  std::vector<float> part(static_cast<std::size_t>(frames_at_once * sound.channels));
  while (const sf_count_t got = sf_readf_float(file.get(), part.data(), frames_at_once)) {
    require(got > 0 && got <= frames_at_once, what, ": it is damaged");
    sound.samples.insert(sound.samples.end(), part.begin(),
                         part.begin() + static_cast<std::ptrdiff_t>(got * sound.channels));
    require(static_cast<Index>(sound.samples.size()) <= most_samples, what, ": expected at most ", most_samples,
            " samples, got more");
  }
  require(sf_error(file.get()) == SF_ERR_NO_ERROR, what, ": it is damaged (", sf_strerror(file.get()), ")");
  require(!sound.samples.empty(), what, ": it holds no samples");
  // Files of MP3 and streams tell no number, or a guess.
  const bool told = (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC;
  require(!told || sound.frames() == info.frames, what, ": it is cut short: expected ", info.frames, " frames, got ",
          sound.frames());
  require(std::all_of(sound.samples.begin(), sound.samples.end(), is_finite<float>), what,
          ": expected finite samples, got NaN or infinity");
  return sound;
}

/// Reads a sound file, as decode_sound does its bytes. Throws Error likewise, and when there is no such file.
inline Sound read_sound(const std::filesystem::path& path) {
  return decode_sound(internal::read_whole("sound", path), internal::concatenate("sound ", path));
}

/// The bytes of a file with the sound: `ending` is .wav, .flac (16 bits) or .ogg (Vorbis, lossy). 16-bit samples are
/// rounded, and those beyond [-1, 1) cut off; float ones (.wav alone) are kept as they are. Throws Error for another
/// ending, a sound without frames, and for what libsndfile cannot write, such as a rate that the kind does not know.
inline std::string encode_sound(const Sound& sound, std::string_view ending,
                                SampleFormat samples = SampleFormat::int16) {
  using namespace internal;
  require_sound("write_sound", sound);
  require(sound.frames() >= 1, "write_sound: expected at least one frame");
  require(std::all_of(sound.samples.begin(), sound.samples.end(), is_finite<float>),
          "write_sound: expected finite samples, got NaN or infinity");
  const bool wav = ending == ".wav", flac = ending == ".flac", ogg = ending == ".ogg";
  require(wav || flac || ogg, "write_sound: expected a name that ends in .wav, .flac or .ogg, got \"", ending, '"');
  const bool integers = samples == SampleFormat::int16 && !ogg;
  require(samples == SampleFormat::int16 || wav, "write_sound: expected a .wav for samples of float, got ", ending);

  SF_INFO info{};
  info.samplerate = static_cast<int>(sound.rate);
  info.channels = static_cast<int>(sound.channels);
  info.format = (wav    ? SF_FORMAT_WAV
                 : flac ? SF_FORMAT_FLAC
                        : SF_FORMAT_OGG) |
                (ogg        ? SF_FORMAT_VORBIS
                 : integers ? SF_FORMAT_PCM_16
                            : SF_FORMAT_FLOAT);
  SoundBytes memory;
  {
    const SoundHandle file(memory.open(SFM_WRITE, info));
    require(file != nullptr, "write_sound: ", ending, " cannot hold ", sound.channels, " channels at ", sound.rate,
            " Hz (", sf_strerror(nullptr), ")");
    std::vector<std::int16_t> part;
    for (Index begin = 0; begin < sound.frames(); begin += frames_at_once) {
      const Index count = std::min(frames_at_once, sound.frames() - begin);
      const float* from = sound.samples.data() + begin * sound.channels;
      sf_count_t done = 0;
      if (integers) {
        part.resize(static_cast<std::size_t>(count * sound.channels));
        for (std::size_t i = 0; i < part.size(); ++i) part[i] = to_int16(from[i]);
        done = sf_writef_short(file.get(), part.data(), count);
      } else {
        done = sf_writef_float(file.get(), from, count);
      }
      require(done == count, "write_sound: ", sf_strerror(file.get()));
    }
  }
  return memory.bytes();
}

/// Writes it to a file, of the kind that its name ends in. Throws Error as encode_sound, and, leaving an earlier file
/// as it was, when it cannot be written.
inline void write_sound(const std::filesystem::path& path, const Sound& sound,
                        SampleFormat samples = SampleFormat::int16) {
  replace_file(path, encode_sound(sound, internal::ending_of(path), samples));
}

}  // namespace rival
