#include "rival/gan/sound_networks.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "rival/gan/recipes/wavegan.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;

namespace {

template <class Network>
Index count_of(Network& network) {
  Index count = 0;
  for (const auto* parameter : network.parameters()) count += parameter->value.size();
  return count;
}

}  // namespace

TEST_CASE("sound networks: at 16,384 samples and width 64 they are WaveGAN's, layer by layer") {
  const SoundNetworkOptions o{.sample = {16'384, 1}};
  auto generator = wavegan_generator<float>(Random(1), o);
  auto discriminator = wavegan_discriminator<float>(Random(1), o);
  CHECK(generator.output_shape() == Shape{16'384, 1});
  CHECK(discriminator.output_shape() == Shape{1});
  // Table 2 of the paper: a dense layer to 16 x 1024, then 25 taps from 1024 to 512, 256, 128, 64 and 1 channels.
  const Index convolutions = 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64);
  CHECK(count_of(generator) == 101 * 16 * 1024 + convolutions + 512 + 256 + 128 + 64 + 1);
  CHECK(count_of(discriminator) == convolutions + 64 + 128 + 256 + 512 + 1024 + 16 * 1024 + 1);
}

TEST_CASE("sound networks: any length and any spectrogram of the right kind, with classes or without") {
  for (const Shape& sample : {Shape{64, 1}, Shape{1024, 1}, Shape{4096, 1}, Shape{64, 32, 1}, Shape{16, 64, 1}})
    for (const Index classes : {0, 3})
      for (const bool batch_norm : {false, true}) {
        INFO(sample << ' ' << classes << ' ' << batch_norm);
        const SoundNetworkOptions o{
            .sample = sample, .width = 2, .latent = 5, .classes = classes, .batch_norm = batch_norm};
        const bool sound = sample.rank() == 2;
        const auto generator = sound ? wavegan_generator<float>(Random(1), o) : specgan_generator<float>(Random(1), o);
        const auto discriminator =
            sound ? wavegan_discriminator<float>(Random(1), o) : specgan_discriminator<float>(Random(1), o);
        CHECK(generator.output_shape() == sample);
        const std::vector<Label> labels(classes > 0 ? 2 : 0, 1);
        Random random(2);
        const auto made = generator.sample(2, random, labels);
        CHECK(made.shape() == sample.batch(2));
        CHECK(made.array().abs().maxCoeff() <= 1);
        CHECK(discriminator.input_shape() == sample);
      }
}

TEST_CASE("sound recipes: a few steps, on sounds and on spectrograms, with penalties and classes") {
  for (const Shape& sample : {Shape{256, 1}, Shape{16, 16, 1}})
    for (const Index classes : {0, 3})
      for (const bool paper : {false, true}) {
        INFO(sample << ' ' << classes << ' ' << paper);
        const SoundRecipeOptions o{.sample = sample, .classes = classes, .batch = 4, .seed = 1, .width = 2};
        auto recipe = paper ? recipes::wavegan<float>(o) : recipes::rp_wavegan<float>(o);
        CHECK(recipe.options.discriminator_steps == (paper ? 5 : 1));
        AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
        std::vector<float> values(static_cast<std::size_t>(40 * sample.size()));
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.1f * static_cast<float>(i));
        std::vector<Label> labels(classes > 0 ? 40 : 0);
        for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<Label>(i % 3);
        double penalties = 0;
        trainer.fit(Dataset(sample, std::move(values), labels),
                    {.epochs = 2, .steps = 2, .on_step = [&](const auto& r) {
                       CHECK(std::isfinite(r.generator_loss));
                       penalties += r.penalty;
                     }});
        CHECK(penalties > 0);
      }
}

TEST_CASE("sound networks: what cannot be is refused") {
  const auto made = [](const SoundNetworkOptions& o) { return wavegan_generator<float>(Random(1), o); };
  CHECK_THROWS_WITH(made({.sample = {5000, 1}}),
                    "network: expected sounds of 64, 256, 1024, 4096, 16384 or 65536 samples, got 5000");
  CHECK_THROWS_WITH(made({.sample = {2048, 1}}),
                    "network: expected sounds of 64, 256, 1024, 4096, 16384 or 65536 samples, got 2048");
  CHECK_THROWS_WITH(made({.sample = {4096, 2}}), Catch::Matchers::StartsWith("network: expected one channel, got "));
  CHECK_THROWS_WITH(made({.sample = {64, 64, 1}}),
                    Catch::Matchers::StartsWith("wavegan_generator: expected sounds {length, 1}, got "));
  CHECK_THROWS_WITH(made({.sample = {4096, 1}, .width = 0}),
                    Catch::Matchers::StartsWith("network: expected a width from 1 to 4096"));
  CHECK_THROWS_WITH(made({.sample = {4096, 1}, .phase_shuffle = 16}),
                    "network: expected a phase shuffle from 0 to 15 samples, got 16");
  CHECK_THROWS_WITH(specgan_generator<float>(Random(1), {.sample = {48, 32, 1}}),
                    Catch::Matchers::StartsWith("network: expected spectrograms of powers of two from 16 to 4096"));
  CHECK_THROWS_WITH(recipes::rp_wavegan<float>({.sample = {4096, 1}, .batch = 0}),
                    "recipe: expected a batch of at least 1, got 0");
}
