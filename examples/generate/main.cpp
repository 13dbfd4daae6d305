// Samples a trained generator, from its file alone. `--help` lists the options.

#include <cmath>
#include <iostream>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "common/clip_pictures.hpp"
#include "common/network_files.hpp"
#include "common/run_program.hpp"
#include "common/sound_samples.hpp"
#include "export.hpp"
#include "options.hpp"
#include "pictures.hpp"
#include "rival/core/file.hpp"
#include "rival/core/parallel.hpp"
#include "rival/data/alphabet.hpp"
#include "rival/data/tokens.hpp"
#include "rival/gan/best_latents.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"

namespace {

/// The class that --label names; -1: all of them.
rival::Index chosen_class(const rival::Sampler<>& sampler, const Options& o) {
  if (!o.label) return -1;
  try {
    return sampler.class_of(*o.label);
  } catch (const rival::Error& error) {
    rival::fail("--label: ", error.what());
  }
}

/// Samples of text, a line each.
std::string lines(const rival::Sampler<>& sampler, const rival::Tensor<float>& samples,
                  const std::optional<double>& temperature, rival::Random& random) {
  const rival::Alphabet alphabet(sampler.sampling().alphabet);
  const rival::Tokens tokens =
      temperature ? rival::draw_tokens(samples, *temperature, random) : rival::tokens_of(samples);
  std::string text;
  for (rival::Index i = 0; i < tokens.count(); ++i) text += alphabet.text(tokens.line(i)) + '\n';
  return text;
}

/// What the generator cannot give is said before anything is written.
void check(const rival::Sampler<>& sampler, const Options& o) {
  const Kind kind = kind_of(sampler.generator());
  const rival::Shape shape = sampler.generator().output_shape();
  rival::require(o.grid.empty() || kind != Kind::neither,
                 "--grid: expected a generator of images or clips in grey or colour or ",
                 "of points in the plane; this one gives ", shape);
  rival::require(o.walk.empty() || kind == Kind::images,
                 "--walk: expected a generator of images in grey or colour; this one gives ", shape);
  rival::require(o.gif.empty() || kind == Kind::clips,
                 "--gif: expected a generator of clips in grey or colour; this one gives ", shape);
  const bool sounds =
      sampler.sampling().rate > 0 && shape[shape.rank() - 1] == 1 && shape.rank() >= 2 && shape.rank() <= 3;
  rival::require(o.wav.empty() || sounds,
                 "--wav: expected a generator of sounds, whose file has a rate; this one gives ", shape);
  rival::require(o.wav.empty() || has_sound_files(), "--wav: this program was built without libsndfile");
  rival::require(o.text.empty() || !sampler.sampling().alphabet.empty(),
                 "--text: expected a generator of text, whose file has an alphabet; this one gives ", shape);
  rival::require(!o.truncation || sampler.sampling().uniform < sampler.generator().latent(),
                 "--truncation: expected a generator that takes normal numbers; this one's are all uniform");
}

int generate(const Options& o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  const rival::Sampler<> sampler = rival::load_sampler(o.weights);
  const rival::Index label = chosen_class(sampler, o), classes = sampler.classes();
  check(sampler, o);

  const auto wrote = [](const std::filesystem::path& file) { std::cout << "wrote " << file.string() << std::endl; };
  const bool whole = !o.grid.empty() || !o.npy.empty() || !o.gif.empty() || !o.wav.empty() || !o.text.empty();
  if (whole || !o.walk.empty()) {
    // As a program of one's own would: Random random(seed), sampler.sample(count, random, labels).
    rival::Random random(o.seed);
    const rival::Index tries = o.discriminator.empty() ? 1 : o.best_of;
    rival::Tensor<float> latents = sampler.latents(o.count * tries, random, o.truncation);
    std::vector<rival::Label> labels(classes > 0 ? static_cast<std::size_t>(o.count) : 0);
    for (std::size_t i = 0; i < labels.size(); ++i)
      labels[i] = static_cast<rival::Label>(label >= 0 ? label : static_cast<rival::Index>(i) % classes);
    if (!o.discriminator.empty())
      latents =
          rival::best_latents(sampler.generator(), rival::load_discriminator(o.discriminator), latents, tries, labels);
    if (whole) {
      const rival::Tensor<float> samples = sampler.sample(latents, labels);
      if (!o.grid.empty()) rival::write_png(o.grid, picture(samples)), wrote(o.grid);
      if (!o.npy.empty()) rival::write_npy(o.npy, samples), wrote(o.npy);
      if (!o.gif.empty()) {
        const auto columns = static_cast<rival::Index>(std::ceil(std::sqrt(static_cast<double>(o.count))));
        animation_of(side_by_side(samples, columns, 2)).save(o.gif), wrote(o.gif);
      }
      if (!o.wav.empty())
        write_wav(o.wav, as_sounds(samples, sampler.sampling().rate, rival::Random(o.seed))), wrote(o.wav);
      if (!o.text.empty()) rival::replace_file(o.text, lines(sampler, samples, o.temperature, random)), wrote(o.text);
    }
    if (!o.walk.empty()) {
      std::vector<rival::Label> passed(static_cast<std::size_t>(label >= 0 ? 1 : classes));
      std::iota(passed.begin(), passed.end(), static_cast<rival::Label>(std::max<rival::Index>(label, 0)));
      walk(sampler, latents, passed).save(o.walk), wrote(o.walk);
    }
  }
  if (!o.to_export.empty()) export_network(sampler, o.to_export), wrote(o.to_export);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("generate", [&] {
    Options options;
    return parse(argc, argv, options) ? generate(options) : 0;
  });
}
