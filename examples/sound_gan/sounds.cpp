#include "sounds.hpp"

#include "rival/data/sound_folder.hpp"

Sounds read_sounds(const std::filesystem::path& folder, const Options& o, const Spectrograms& spectrograms) {
  const rival::SoundFolder all =
      rival::read_sound_folder(folder, {.length = o.length, .rate = o.rate, .trim = !o.keep_silence});
  return {o.spectrograms ? spectrograms(all.data) : all.data, all.data, all.class_names, all.describe()};
}

rival::Tensor<float> as_spectrograms(const rival::Tensor<float>& samples, const Spectrograms& spectrograms) {
  return samples.rank() == 3 ? spectrograms(samples) : samples;
}
