#include "sounds.hpp"

#include <algorithm>
#include <cmath>

#include "rival/core/finite.hpp"
#include "rival/data/sound_folder.hpp"

Sounds read_sounds(const std::filesystem::path& folder, const Options& o, const Spectrograms& spectrograms) {
  const rival::SoundFolder all =
      rival::read_sound_folder(folder, {.length = o.length, .rate = o.rate, .trim = !o.keep_silence});
  return {o.spectrograms ? spectrograms(all.data) : all.data, all.data, all.class_names, all.describe()};
}

rival::Tensor<float> as_spectrograms(const rival::Tensor<float>& samples, const Spectrograms& spectrograms) {
  return samples.rank() == 3 ? spectrograms(samples) : samples;
}

std::vector<rival::Sound> as_sounds(const rival::Tensor<float>& samples, const Spectrograms& spectrograms,
                                    const Options& o) {
  const rival::Tensor<float> made =
      samples.rank() == 3 ? samples : spectrograms.to_sounds(samples, rival::Random(o.seed));
  std::vector<rival::Sound> sounds;
  for (rival::Index i = 0; i < made.dim(0); ++i) {
    rival::Sound sound{o.rate, 1, std::vector<float>(static_cast<std::size_t>(o.length))};
    // A network that has gone wrong has said so; its files are silent where it is.
    std::transform(made.data() + i * o.length, made.data() + (i + 1) * o.length, sound.samples.begin(),
                   [](float x) { return rival::is_finite(x) ? x : 0; });
    sounds.push_back(std::move(sound));
  }
  return sounds;
}
