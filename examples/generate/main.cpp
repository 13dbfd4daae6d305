// Samples a trained generator, from its file alone. `--help` lists the options.

#include <iostream>
#include <numeric>
#include <vector>

#include "common/network_files.hpp"
#include "common/run_program.hpp"
#include "export.hpp"
#include "options.hpp"
#include "pictures.hpp"
#include "rival/core/parallel.hpp"
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

/// What the generator cannot give is said before anything is written.
void check(const rival::Sampler<>& sampler, const Options& o) {
  const Kind kind = kind_of(sampler.generator());
  const rival::Shape shape = sampler.generator().output_shape();
  rival::require(o.grid.empty() || kind != Kind::neither,
                 "--grid: expected a generator of images in grey or colour or ",
                 "of points in the plane; this one gives ", shape);
  rival::require(o.walk.empty() || kind == Kind::images,
                 "--walk: expected a generator of images in grey or colour; this one gives ", shape);
  rival::require(!o.truncation || sampler.sampling().uniform < sampler.generator().latent(),
                 "--truncation: expected a generator that takes normal numbers; this one's are all uniform");
}

int generate(const Options& o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  const rival::Sampler<> sampler = rival::load_sampler(o.weights);
  const rival::Index label = chosen_class(sampler, o), classes = sampler.classes();
  check(sampler, o);

  const auto wrote = [](const std::filesystem::path& file) { std::cout << "wrote " << file.string() << std::endl; };
  if (!o.grid.empty() || !o.npy.empty() || !o.walk.empty()) {
    // As a program of one's own would: Random random(seed), sampler.sample(count, random, labels).
    rival::Random random(o.seed);
    const rival::Tensor<float> latents = sampler.latents(o.count, random, o.truncation);
    if (!o.grid.empty() || !o.npy.empty()) {
      std::vector<rival::Label> labels(classes > 0 ? static_cast<std::size_t>(o.count) : 0);
      for (std::size_t i = 0; i < labels.size(); ++i)
        labels[i] = static_cast<rival::Label>(label >= 0 ? label : static_cast<rival::Index>(i) % classes);
      const rival::Tensor<float> samples = sampler.sample(latents, labels);
      if (!o.grid.empty()) rival::write_png(o.grid, picture(samples)), wrote(o.grid);
      if (!o.npy.empty()) rival::write_npy(o.npy, samples), wrote(o.npy);
    }
    if (!o.walk.empty()) {
      std::vector<rival::Label> labels(static_cast<std::size_t>(label >= 0 ? 1 : classes));
      std::iota(labels.begin(), labels.end(), static_cast<rival::Label>(std::max<rival::Index>(label, 0)));
      walk(sampler, latents, labels).save(o.walk), wrote(o.walk);
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
