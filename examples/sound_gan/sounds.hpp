#pragma once
// The sounds that sound_gan trains on, and those that it makes.

#include <filesystem>
#include <string>
#include <vector>

#include "common/spectrogram.hpp"
#include "options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/sound/sound.hpp"

struct Sounds {
  rival::Dataset data;                   ///< what the networks are shown: sounds {length, 1}, or their spectrograms
  rival::Dataset sounds;                 ///< {length, 1}
  std::vector<std::string> class_names;  ///< none: without classes
  std::string description;               ///< what was made of the folder, in lines
};

/// Throws rival::Error for what is no folder of sounds.
Sounds read_sounds(const std::filesystem::path& folder, const Options& options, const Spectrograms& spectrograms);

/// Generated samples, of either kind, as spectrograms {N, frames, bands, 1}.
rival::Tensor<float> as_spectrograms(const rival::Tensor<float>& samples, const Spectrograms& spectrograms);
