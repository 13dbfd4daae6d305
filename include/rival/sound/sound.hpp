#pragma once
// Sound: samples over time, and what is done to them before they become data.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/core/finite.hpp"
#include "rival/core/shape.hpp"

namespace rival {

/// Samples in [-1, 1], frame by frame: a frame is a moment, and has a sample of each channel.
struct Sound {
  Index rate = 0;              ///< frames a second (Hz)
  Index channels = 1;          ///< 1: mono; 2: left and right
  std::vector<float> samples;  ///< frames() * channels of them

  /// Moments; the sound lasts frames() / rate seconds.
  Index frames() const { return channels > 0 ? static_cast<Index>(samples.size()) / channels : 0; }
};

namespace internal {

/// That a sound may have, all channels together: a gigabyte, whatever the header of a file says.
inline constexpr Index most_samples = Index{1} << 28;

/// Throws Error, beginning with `who`, unless the sound has a rate, channels and whole frames.
inline void require_sound(const char* who, const Sound& sound) {
  require(sound.rate >= 1 && sound.rate <= 1'000'000, who, ": expected a rate from 1 to 1000000 Hz, got ", sound.rate);
  require(sound.channels >= 1 && sound.channels <= 1024, who, ": expected 1 to 1024 channels, got ", sound.channels);
  require(static_cast<Index>(sound.samples.size()) % sound.channels == 0, who, ": expected whole frames of ",
          sound.channels, " samples, got ", sound.samples.size(), " samples");
}

inline void require_mono(const char* who, const Sound& sound) {
  require_sound(who, sound);
  require(sound.channels == 1, who, ": expected one channel, got ", sound.channels);
}

}  // namespace internal

/// One channel: the mean of all.
inline Sound to_mono(const Sound& sound) {
  internal::require_sound("to_mono", sound);
  if (sound.channels == 1) return sound;
  Sound mono{sound.rate, 1, std::vector<float>(static_cast<std::size_t>(sound.frames()))};
  const float* from = sound.samples.data();
  for (float& sample : mono.samples) {
    double sum = 0;
    for (Index c = 0; c < sound.channels; ++c) sum += *from++;
    sample = static_cast<float>(sum / static_cast<double>(sound.channels));
  }
  return mono;
}

/// Without what comes before the first and after the last moment that is louder than `below` decibels under the sound's
/// greatest sample. Loudness is the root mean square of stretches of 10 ms, and a stretch goes or stays as a whole.
/// Silence has nothing that is louder, and stays as it is. Of one channel.
inline Sound trim_silence(const Sound& sound, double below = 40) {
  internal::require_mono("trim_silence", sound);
  require(below > 0, "trim_silence: expected decibels above 0, got ", below);
  const std::size_t stretch = static_cast<std::size_t>(std::max<Index>(1, sound.rate / 100));
  double peak = 0;
  for (const float sample : sound.samples) peak = std::max(peak, std::abs(static_cast<double>(sample)));
  const double threshold = peak * std::pow(10, -below / 20);
  std::size_t first = sound.samples.size(), last = 0;
  for (std::size_t begin = 0; begin < sound.samples.size(); begin += stretch) {
    const std::size_t end = std::min(begin + stretch, sound.samples.size());
    double squares = 0;
    for (std::size_t i = begin; i < end; ++i) squares += static_cast<double>(sound.samples[i]) * sound.samples[i];
    if (std::sqrt(squares / static_cast<double>(end - begin)) <= threshold) continue;
    first = std::min(first, begin);
    last = end;
  }
  if (last == 0) return sound;
  const auto at = [&](std::size_t i) { return sound.samples.begin() + static_cast<std::ptrdiff_t>(i); };
  return {sound.rate, 1, {at(first), at(last)}};
}

/// So loud that its greatest sample is `peak`. Silence stays silence.
inline Sound normalise(Sound sound, double peak = 0.95) {
  internal::require_sound("normalise", sound);
  require(peak > 0 && peak <= 1, "normalise: expected a peak above 0 and at most 1, got ", peak);
  float greatest = 0;
  for (const float sample : sound.samples) {
    require(is_finite(sample), "normalise: expected finite samples, got NaN or infinity");
    greatest = std::max(greatest, std::abs(sample));
  }
  if (greatest == 0) return sound;
  for (float& sample : sound.samples) sample = static_cast<float>(sample * peak / greatest);
  return sound;
}

/// The first `length` frames; silence behind those of a shorter one.
inline Sound fit_length(Sound sound, Index length) {
  internal::require_sound("fit_length", sound);
  require(length >= 1, "fit_length: expected at least 1 frame, got ", length);
  require(length <= internal::most_samples / sound.channels, "fit_length: expected at most ",
          internal::most_samples / sound.channels, " frames, got ", length);
  sound.samples.resize(static_cast<std::size_t>(length * sound.channels));
  return sound;
}

/// One sound after the other, with `gap` seconds of silence between them. They have one rate and as many channels.
inline Sound join(const std::vector<Sound>& sounds, double gap) {
  require(!sounds.empty(), "join: expected at least one sound");
  require(gap >= 0 && gap <= 3600, "join: expected a gap from 0 to 3600 seconds, got ", gap);
  internal::require_sound("join", sounds[0]);
  Sound all{sounds[0].rate, sounds[0].channels, {}};
  const auto silence = static_cast<std::size_t>(static_cast<Index>(gap * static_cast<double>(all.rate)) * all.channels);
  for (const Sound& sound : sounds) {
    internal::require_sound("join", sound);
    require(sound.rate == all.rate && sound.channels == all.channels, "join: expected sounds of ", all.rate, " Hz and ",
            all.channels, " channels, got ", sound.rate, " Hz and ", sound.channels);
    if (&sound != sounds.data()) all.samples.resize(all.samples.size() + silence);
    all.samples.insert(all.samples.end(), sound.samples.begin(), sound.samples.end());
  }
  return all;
}

}  // namespace rival
