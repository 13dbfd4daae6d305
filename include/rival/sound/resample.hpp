#pragma once
// Sound at another rate. Needs libsamplerate (rival::samplerate).

#include <samplerate.h>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/sound/sound.hpp"

namespace rival {

/// The sound at `rate` frames a second, as ceil(frames * rate / sound.rate) frames: band-limited interpolation by a
/// windowed sinc (libsamplerate's SRC_SINC_MEDIUM_QUALITY: 121 dB, 90 % of the band). A sound of that rate comes back
/// as it is. Throws Error for a rate that is more than 256 times greater or smaller, for more than 2^28 samples, and
/// when the sound is so loud that what lies between its samples is infinite.
inline Sound resample(const Sound& sound, Index rate) {
  internal::require_sound("resample", sound);
  require(rate >= 1 && rate <= 1'000'000, "resample: expected a rate from 1 to 1000000 Hz, got ", rate);
  if (rate == sound.rate) return sound;
  const double ratio = static_cast<double>(rate) / static_cast<double>(sound.rate);
  require(src_is_valid_ratio(ratio) != 0, "resample: expected a rate within 256 times ", sound.rate, " Hz, got ", rate);
  const double most = static_cast<double>(internal::most_samples / sound.channels);
  require(static_cast<double>(sound.frames()) * ratio <= most, "resample: expected a sound that has at most ",
          internal::most_samples, " samples at ", rate, " Hz, got ", sound.frames(), " frames at ", sound.rate, " Hz");
  const auto wanted = static_cast<Index>(std::ceil(static_cast<double>(sound.frames()) * ratio));
  // A few more, as the library may round otherwise.
  std::vector<float> out(static_cast<std::size_t>((wanted + 16) * sound.channels));
  SRC_DATA task{};
  task.data_in = sound.samples.data();
  task.input_frames = static_cast<long>(sound.frames());
  task.data_out = out.data();
  task.output_frames = static_cast<long>(wanted + 16);
  task.src_ratio = ratio;
  const int error = src_simple(&task, SRC_SINC_MEDIUM_QUALITY, static_cast<int>(sound.channels));
  require(error == 0, "resample: ", src_strerror(error));
  for (const float sample : out) require(is_finite(sample), "resample: expected a sound that is less loud");
  // Behind what it gave there is silence.
  out.resize(static_cast<std::size_t>(wanted * sound.channels));
  return {rate, sound.channels, std::move(out)};
}

}  // namespace rival
