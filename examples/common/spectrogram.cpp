#include "common/spectrogram.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>

#include "rival/core/parallel.hpp"
#include "rival/sound/griffin_lim.hpp"
#include "rival/sound/mel.hpp"
#include "rival/sound/stft.hpp"

namespace {

/// Logarithms of magnitudes between these limits are -1 to 1; the loudest bands of speech come near to the upper one.
constexpr float quietest = -8, loudest = -1;

}  // namespace

Spectrograms::Spectrograms(rival::Index length, rival::Index rate, rival::Index bands) : length_(length) {
  rival::require(length % hop == 0 && length >= window, "expected sounds of a multiple of ", hop, " samples, ", window,
                 " at least, got ", length);
  filters_ = rival::mel_filters<float>(rate, window / 2 + 1, {.mels = bands});
}

rival::Tensor<float> Spectrograms::operator()(const rival::Tensor<float>& sounds) const {
  const rival::Index count = sounds.dim(0), size = shape().size();
  rival::Tensor<float> all(shape().batch(count));
  rival::parallel_for(count, 1e6, [&](rival::Index i) {
    rival::Stft<float> stft({window, hop});
    const auto bands = rival::log_mel(filters_, rival::magnitudes(stft(std::span<const float>(
                                                    sounds.data() + i * length_, static_cast<std::size_t>(length_)))));
    for (rival::Index k = 0; k < size; ++k)
      all[i * size + k] = std::clamp((bands[k] - quietest) / (loudest - quietest) * 2 - 1, -1.0f, 1.0f);
  });
  return all;
}

rival::Dataset Spectrograms::operator()(const rival::Dataset& sounds) const {
  constexpr rival::Index together = 1000;
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(sounds.size() * shape().size()));
  rival::Tensor<float> part;
  for (rival::Index begin = 0; begin < sounds.size(); begin += together) {
    std::vector<rival::Index> which(static_cast<std::size_t>(std::min(together, sounds.size() - begin)));
    std::iota(which.begin(), which.end(), begin);
    sounds.gather(which, part);
    const auto made = (*this)(part);
    values.insert(values.end(), made.data(), made.data() + made.size());
  }
  const auto labels = sounds.labels();
  return {shape(), std::move(values), std::vector<rival::Label>(labels.begin(), labels.end()), sounds.classes()};
}

rival::Tensor<float> Spectrograms::to_sounds(const rival::Tensor<float>& spectrograms,
                                             const rival::Random& random) const {
  const rival::Index count = spectrograms.dim(0), frames = shape()[0], bands = shape()[1];
  rival::Tensor<float> all({count, length_, 1});
  rival::parallel_for(count, 1e7, [&](rival::Index i) {
    rival::Stft<float> stft({window, hop});
    rival::Tensor<float> logs({stft.frames(length_), bands},
                              quietest);  // the last frame, of which there is half, is silent
    for (rival::Index k = 0; k < frames * bands; ++k)
      logs[k] = (spectrograms[i * frames * bands + k] + 1) / 2 * (loudest - quietest) + quietest;
    const auto samples = rival::griffin_lim(stft, rival::mel_to_magnitudes(filters_, logs), length_,
                                            random.stream("phases").stream(std::to_string(i)));
    for (rival::Index k = 0; k < length_; ++k)
      all[i * length_ + k] = std::clamp(samples[static_cast<std::size_t>(k)], -1.0f, 1.0f);
  });
  return all;
}

rival::Image spectrogram_sheet(const rival::Tensor<float>& spectrograms, rival::Index columns, rival::Index scale) {
  const rival::Index count = spectrograms.dim(0), frames = spectrograms.dim(1), bands = spectrograms.dim(2);
  rival::Tensor<float> pictures({count, bands, frames, 1});
  for (rival::Index i = 0; i < count; ++i)
    for (rival::Index t = 0; t < frames; ++t)
      for (rival::Index m = 0; m < bands; ++m)
        pictures[(i * bands + bands - 1 - m) * frames + t] = spectrograms[(i * frames + t) * bands + m];
  return rival::grid(pictures, {.columns = columns, .scale = scale});
}
