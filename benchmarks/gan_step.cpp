// A whole training step: discriminator on a real and a generated batch, then generator; Adam on both.
// Names: gan_step/<architecture>/batch:<images>/threads:<threads>
// Options: --batches, --threads

#include "common.hpp"

namespace {

struct Architecture {
  const char* name;
  rival::Generator<> (*generator)(const rival::Random&, rival::Index);
  rival::Discriminator<> (*discriminator)(const rival::Random&);
  rival::Discriminator<double> (*reference)(const rival::Random&);
};

constexpr Architecture architectures[] = {
    {"dense", rival::dense_generator<float>, rival::dense_discriminator<float>, rival::dense_discriminator<double>},
    {"dcgan28", rival::dcgan28_generator<float>, rival::dcgan28_discriminator<float>,
     rival::dcgan28_discriminator<double>},
    {"tfdcgan", rival::tfdcgan_generator<float>, rival::tfdcgan_discriminator<float>,
     rival::tfdcgan_discriminator<double>},
};

void gan_step(benchmark::State& state, const Architecture& architecture) {
  const auto batch = static_cast<bench::Index>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  rival::Random random(1);
  auto generator = architecture.generator(random, 100);
  auto discriminator = architecture.discriminator(random);
  rival::AdversarialTrainer trainer(generator, discriminator, {.batch = batch});
  rival::Tensor<float> images(discriminator.input_shape().batch(batch));
  random.fill_uniform(images, -1.0f, 1.0f);

  // Validation: a discriminator score by the fast kernels against the same network in double.
  rival::Trace<float> trace;
  auto reference = architecture.reference(random);
  const auto from = discriminator.parameters();
  const auto to = reference.parameters();
  for (std::size_t p = 0; p < from.size(); ++p) to[p]->value.array() = from[p]->value.array().cast<double>();
  rival::Tensor<double> wide_images(images.shape());
  wide_images.array() = images.array().cast<double>();
  rival::Trace<double> wide_trace;
  const auto& wide = reference.infer(wide_images, wide_trace);
  const auto& scores = discriminator.infer(images, trace);
  const double error = bench::error_of(std::vector<double>(scores.data(), scores.data() + scores.size()),
                                       std::vector<double>(wide.data(), wide.data() + wide.size()));
  if (!(error < 1e-4)) return state.SkipWithError("scores differ from those in double");

  bench::measure(
      state, threads, bench::step_flops(generator, discriminator, batch), [&] { trainer.step(images); },
      static_cast<double>(batch));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, {.batches = {16, 64, 256}}, [](const bench::Arguments& arguments) {
    for (const auto& architecture : architectures)
      benchmark::RegisterBenchmark((std::string("gan_step/") + architecture.name).c_str(), gan_step, architecture)
          ->ArgNames({"batch", "threads"})
          ->ArgsProduct({arguments.batches, arguments.threads})
          ->Unit(benchmark::kMillisecond);
  });
}
