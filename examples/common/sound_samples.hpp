#pragma once
// Generated samples as sounds.

#include <filesystem>
#include <vector>

#include "common/spectrogram.hpp"
#include "rival/sound/sound.hpp"

/// Samples {N, length, 1}, or spectrograms {N, frames, bands, 1} whose phases are found from the stream, as sounds of
/// that rate. What is not finite is silent.
std::vector<rival::Sound> as_sounds(const rival::Tensor<float>& samples, rival::Index rate,
                                    const rival::Random& random);

/// Whether write_wav is there.
bool has_sound_files();

/// All of them one after the other, with a tenth of a second between. Throws rival::Error where it is not built in.
void write_wav(const std::filesystem::path& path, const std::vector<rival::Sound>& sounds);
