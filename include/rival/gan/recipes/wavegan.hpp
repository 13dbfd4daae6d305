#pragma once
// Recipes of sound: as samples over time, or as spectrograms.

#include <cstdint>

#include "rival/gan/recipes/recipe.hpp"
#include "rival/gan/recipes/rpgan.hpp"
#include "rival/gan/sound_networks.hpp"
#include "rival/loss/adversarial.hpp"

namespace rival {

/// What a recipe of sound is told.
struct SoundRecipeOptions {
  Shape sample = {16'384, 1};  ///< as SoundNetworkOptions has it
  Index classes = 0;           ///< of the labels that both networks are told; 0: none
  Index batch = 64;            ///< samples in a training step
  std::uint64_t seed = 0;      ///< of the weights and of the training
  Index width = 0;             ///< of the networks, as SoundNetworkOptions has it; 0: the recipe's own
};

namespace internal {

/// The networks for what the sample is: WaveGAN's for a sound, SpecGAN's for a spectrogram.
template <class S>
Recipe<S> sound_recipe(const SoundNetworkOptions& network, const SoundRecipeOptions& o, TrainerOptions<S> options) {
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
  require(o.width >= 0, "recipe: expected a width of at least 0, got ", o.width);
  const Random random(o.seed);
  options.batch = o.batch;
  options.seed = o.seed;
  if (o.classes > 0) options.labels = LabelSource::data;
  if (o.sample.rank() == 2)
    return {wavegan_generator<S>(random, network), wavegan_discriminator<S>(random, network), std::move(options)};
  return {specgan_generator<S>(random, network), specgan_discriminator<S>(random, network), std::move(options)};
}

}  // namespace internal

namespace recipes {

/// Donahue, McAuley and Puckette, "Adversarial audio synthesis", 2019: Wasserstein with a gradient penalty of lambda
/// 10, five discriminator steps, Adam with 1e-4, beta1 0.5 and beta2 0.9.
template <class S = float>
Recipe<S> wavegan(const SoundRecipeOptions& o) {
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  const SoundNetworkOptions network{
      .sample = o.sample, .width = o.width > 0 ? o.width : 64, .latent = 100, .classes = o.classes};
  return rival::internal::sound_recipe<S>(network, o,
                                          {.loss = wasserstein<S>(),
                                           .penalties = {rival::wgan_gp(10)},
                                           .discriminator_steps = 5,
                                           .generator_optimizer = adam,
                                           .discriminator_optimizer = adam});
}

/// The recipe rpgan (rpgan.hpp) on networks of a quarter of the paper's width, with batch norm in the generator: made
/// for a CPU and half an hour.
template <class S = float>
Recipe<S> rp_wavegan(const SoundRecipeOptions& o) {
  const SoundNetworkOptions network{
      .sample = o.sample, .width = o.width > 0 ? o.width : 16, .latent = 64, .classes = o.classes, .batch_norm = true};
  return rival::internal::sound_recipe<S>(network, o, rival::internal::rpgan_training<S>(1e-3, o.batch, o.seed));
}

}  // namespace recipes

}  // namespace rival
