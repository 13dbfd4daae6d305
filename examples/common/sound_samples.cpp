#include "common/sound_samples.hpp"

#include <algorithm>

#include "rival/core/finite.hpp"
#ifdef EXAMPLES_HAVE_SNDFILE
#include "rival/sound/sound_file.hpp"
#endif

using rival::Index;

std::vector<rival::Sound> as_sounds(const rival::Tensor<float>& samples, Index rate, const rival::Random& random) {
  const rival::Tensor<float> made =
      samples.rank() == 3 ? samples : Spectrograms::of(samples.shape().sample(), rate).to_sounds(samples, random);
  const Index length = made.dim(1);
  std::vector<rival::Sound> sounds;
  for (Index i = 0; i < made.dim(0); ++i) {
    rival::Sound sound{rate, 1, std::vector<float>(static_cast<std::size_t>(length))};
    std::transform(made.data() + i * length, made.data() + (i + 1) * length, sound.samples.begin(),
                   [](float x) { return rival::is_finite(x) ? x : 0; });
    sounds.push_back(std::move(sound));
  }
  return sounds;
}

#ifdef EXAMPLES_HAVE_SNDFILE
bool has_sound_files() { return true; }

void write_wav(const std::filesystem::path& path, const std::vector<rival::Sound>& sounds) {
  rival::write_sound(path, rival::join(sounds, 0.1));
}
#else
bool has_sound_files() { return false; }

void write_wav(const std::filesystem::path& path, const std::vector<rival::Sound>&) {
  rival::fail("cannot write ", path, ": this program was built without libsndfile");
}
#endif
