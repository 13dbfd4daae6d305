#pragma once
// The recipe that mnist_gan trains by itself: believable digits in two minutes on two cores.

#include "rival/gan/recipes/recipe.hpp"
#include "rival/loss/relativistic.hpp"

namespace rival {

namespace internal {

/// How rpgan trains, at this learning rate of both networks: relativistic pairing held by weak penalties on both sides,
/// a rate that falls to nothing over the second half of the run, and a moving average.
template <class S>
TrainerOptions<S> rpgan_training(double learning_rate, Index batch, std::uint64_t seed) {
  const Schedule fall = over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); });
  const AdamOptions adam{.learning_rate = learning_rate, .beta1 = 0.5, .beta2 = 0.99, .schedule = fall};
  return {.loss = relativistic_pairing<S>(),
          .batch = batch,
          .penalties = {r1(0.1), r2(0.1)},
          .generator_optimizer = adam,
          .discriminator_optimizer = adam,
          .average = MovingAverageOptions{.half_life = 20'000},
          .seed = seed};
}

}  // namespace internal

namespace recipes {

/// Relativistic pairing (Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
/// GAN", 2018) held by R1 (Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?",
/// 2018) and R2, the pair that Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN!", 2024, show
/// to converge and to keep all modes; on small convolutional networks in place of theirs: DCGAN's generator at half of
/// its width, and a discriminator of a quarter, without batch norm, which the penalties cannot go through.
///
/// Made for a run of minutes: a small batch and small networks buy many steps, the discriminator, which a step goes
/// through most often, being the smaller one; gamma is weak; the learning rate falls to nothing over the second half of
/// the run, so that the last weights are the best ones.
template <class S = float>
Recipe<S> rpgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  ImageNetworkOptions generator = rival::internal::network_of(o, 32);
  generator.latent = 64;
  return {dcgan_generator<S>(random, generator), dcgan_critic<S>(random, rival::internal::network_of(o, 16, 32)),
          rival::internal::rpgan_training<S>(1.5e-3, o.batch, o.seed)};
}

}  // namespace recipes

}  // namespace rival
