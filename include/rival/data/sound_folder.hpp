#pragma once
// read_sound_folder(): any folder of sound files as a data set. Needs libsndfile and libsamplerate (rival::sndfile,
// rival::samplerate).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/checksum.hpp"
#include "rival/core/parallel.hpp"
#include "rival/data/dataset.hpp"
#include "rival/data/folder.hpp"
#include "rival/sound/resample.hpp"
#include "rival/sound/sound.hpp"
#include "rival/sound/sound_file.hpp"

namespace rival {

/// How a folder's sounds become samples of one length and rate.
struct SoundFolderOptions {
  Index length = 16'384;  ///< samples of each sound: longer ones end there, behind shorter ones there is silence
  Index rate = 0;         ///< Hz, to which all are resampled; 0: they have one rate already, and keep it
  bool trim = false;      ///< without silence before and after, as trim_silence has it
  double below = 40;      ///< decibels under a sound's greatest sample that are silence
  bool normalise = true;  ///< all equally loud, as rival::normalise has it
};

/// A folder's sounds, and what was made of it.
struct SoundFolder {
  Dataset data;                              ///< {length, 1}, 16-bit samples; classes if the folder has any
  Index rate = 0;                            ///< Hz
  std::vector<std::filesystem::path> files;  ///< of each sample, within the folder
  std::vector<std::string> class_names;      ///< of class 0, 1, ...; empty: the sounds have no classes
  std::vector<SkippedFile> skipped;          ///< broken and silent files
  Index others = 0;                          ///< files whose names are not those of sounds
  Index copies = 0;                          ///< sounds whose files are the same, byte for byte, as an earlier one's
  Index mixed_down = 0;                      ///< sounds of several channels
  Index longer = 0;                          ///< sounds that went on
  std::array<Index, 2> rates{};              ///< least and greatest, as they came
  std::array<double, 2> seconds{};           ///< shortest and longest, before they were cut off

  /// All of it in a few lines, for a user to look over.
  std::string describe() const;
};

namespace internal {

inline constexpr std::array<std::string_view, 13> sound_endings{
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64"};

inline bool is_called_sound(const std::filesystem::path& path) { return ends_in(path, sound_endings); }

/// What one file gave.
struct FolderSound {
  std::vector<std::int16_t> samples;
  Index rate = 0, channels = 0;
  double seconds = 0;
  bool longer = false;
  std::uint64_t checksum = 0;
  std::string why;  ///< there is none
};

inline FolderSound read_folder_sound(const std::filesystem::path& path, const SoundFolderOptions& o) {
  FolderSound read;
  const std::string what = concatenate("sound ", path);
  try {
    std::string bytes = read_whole("sound", path);
    Checksum checksum;
    checksum.add(bytes);
    read.checksum = checksum.value();
    Sound sound = decode_sound(std::move(bytes), what);
    read.rate = sound.rate;
    read.channels = sound.channels;
    sound = to_mono(sound);
    const auto loud = [](float x) { return x != 0; };
    require(std::any_of(sound.samples.begin(), sound.samples.end(), loud), "it is silent");
    if (o.rate > 0) sound = resample(sound, o.rate);
    if (o.trim) sound = trim_silence(sound, o.below);
    read.seconds = static_cast<double>(sound.frames()) / static_cast<double>(sound.rate);
    read.longer = sound.frames() > o.length;
    sound = fit_length(std::move(sound), o.length);
    if (o.normalise) sound = normalise(std::move(sound));
    read.samples.reserve(sound.samples.size());
    for (const float sample : sound.samples) read.samples.push_back(to_int16(sample));
    require(std::any_of(read.samples.begin(), read.samples.end(), [](std::int16_t x) { return x != 0; }), "its first ",
            o.length, " samples are silent");
  } catch (const Error& error) {
    std::string_view text = error.what();
    if (text.starts_with(what + ": ")) text.remove_prefix(what.size() + 2);  // as the file is named beside it
    read.why = text;
  }
  return read;
}

}  // namespace internal

/// Reads every sound below a folder, of the kinds that decode_sound knows: one channel, the mean of all, at one rate,
/// of one length, as 16-bit samples. Sub-folders are classes, where all sounds lie in two or more of them. Broken and
/// silent files are skipped and named; other files, and those whose names begin with a dot, are left alone. The order
/// is that of the paths' bytes. All cores read. Throws Error when the folder cannot be read, when no sound is left, and
/// without `rate` for sounds of several rates.
inline SoundFolder read_sound_folder(const std::filesystem::path& folder, const SoundFolderOptions& options = {}) {
  using namespace internal;
  namespace fs = std::filesystem;
  const std::string what = concatenate("folder ", folder);
  require(options.length >= 1 && options.length <= (Index{1} << 24), what,
          ": expected a length from 1 to 2^24 samples, got ", options.length);
  require(options.rate >= 0 && options.rate <= 1'000'000, what, ": expected a rate from 1 to 1000000 Hz, got ",
          options.rate);
  require(options.below > 0, what, ": expected silence at more than 0 decibels below the greatest sample, got ",
          options.below);
  std::error_code ignored;  // of a name that no file can have
  require(fs::exists(folder, ignored), what, ": no such folder");
  require(fs::is_directory(folder, ignored), what, ": expected a folder, got a file");

  SoundFolder all;
  std::vector<fs::path> files;
  for (const fs::path& file : files_below(folder, is_called_sound)) {
    if (is_called_sound(file))
      files.push_back(file);
    else
      ++all.others;
  }
  std::vector<FolderSound> sounds(files.size());
  parallel_for(static_cast<Index>(files.size()), 1e9, [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    sounds[at] = read_folder_sound(folder / files[at], options);
  });

  std::vector<std::int16_t> samples;
  samples.reserve(files.size() * static_cast<std::size_t>(options.length));
  std::set<std::pair<std::uint64_t, double>> seen;
  for (std::size_t i = 0; i < files.size(); ++i) {
    FolderSound& read = sounds[i];
    if (!read.why.empty()) {
      all.skipped.push_back({files[i], std::move(read.why)});
      continue;
    }
    if (all.files.empty()) {
      all.rate = options.rate > 0 ? options.rate : read.rate;
      all.rates = {read.rate, read.rate};
      all.seconds = {read.seconds, read.seconds};
    }
    require(options.rate > 0 || read.rate == all.rate, what, ": expected sounds of one rate, or a `rate` for all, got ",
            all.rate, " Hz and, in ", files[i], ", ", read.rate, " Hz");
    all.rates = {std::min(all.rates[0], read.rate), std::max(all.rates[1], read.rate)};
    all.seconds = {std::min(all.seconds[0], read.seconds), std::max(all.seconds[1], read.seconds)};
    all.mixed_down += read.channels > 1;
    all.longer += read.longer;
    all.copies += !seen.emplace(read.checksum, read.seconds).second;
    samples.insert(samples.end(), read.samples.begin(), read.samples.end());
    read.samples = {};
    all.files.push_back(files[i]);
  }
  if (all.files.empty()) {
    const std::string first =
        all.skipped.empty()
            ? ""
            : concatenate(", ", all.skipped.size(), " are broken: ", all.skipped[0].file, ": ", all.skipped[0].why);
    fail(what, ": expected sounds (WAV, FLAC, OGG, MP3, AIFF or AU), found none", first);
  }
  std::vector<Label> labels;
  std::tie(all.class_names, labels) = number_classes(what, first_folders(all.files));
  all.data =
      Dataset({options.length, 1}, std::move(samples), std::move(labels), static_cast<Index>(all.class_names.size()));
  return all;
}

inline std::string SoundFolder::describe() const {
  internal::TextStream text;
  text.precision(3);
  const Index length = data.sample_shape()[0];
  text << data.size() << (data.size() == 1 ? " sound" : " sounds") << " of " << length << " samples at " << rate
       << " Hz (" << static_cast<double>(length) / static_cast<double>(rate) << " s), made from " << seconds[0] << " s";
  if (seconds[0] != seconds[1]) text << " to " << seconds[1] << " s";
  if (rates[0] != rate || rates[1] != rate) {
    text << " at " << rates[0];
    if (rates[0] != rates[1]) text << " to " << rates[1];
    text << " Hz";
  }
  text << '\n';
  internal::describe_classes(text, data, class_names, "sub-folders", files);
  const auto line = [&](Index count, const char* one, const char* more) {
    internal::describe_count(text, count, one, more);
  };
  line(longer, "went on, and was cut off", "went on, and were cut off");
  line(mixed_down, "has several channels, of which the mean was taken",
       "have several channels, of which the mean was taken");
  line(copies, "is the same file as another", "are the same files as others");
  line(others, "other file was left alone", "other files were left alone");
  internal::describe_skipped(text, skipped);
  return text.str();
}

}  // namespace rival
