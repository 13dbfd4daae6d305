#pragma once
// The recipe that mnist_gan trains by itself: believable digits in two minutes on two cores.

#include <algorithm>

#include "rival/gan/recipes/recipe.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/loss/relativistic.hpp"

namespace rival::recipes {

/// DCGAN's generator at half of its width: 1x1 to 4x4, 7x7, 14x14, 28x28.
template <class S = float>
Generator<S> rpgan_generator(const Random& random, Index latent = 64) {
  Sequential<S> layers(
      Reshape<S>({1, 1, latent}), ConvTranspose2d<S>({.in = latent, .out = 128, .kernel = 4, .bias = false}),
      BatchNorm<S>({.features = 128}), ReLU<S>(),
      ConvTranspose2d<S>({.in = 128, .out = 64, .kernel = 3, .stride = 2, .padding = 1, .bias = false}),
      BatchNorm<S>({.features = 64}), ReLU<S>(),
      ConvTranspose2d<S>({.in = 64, .out = 32, .kernel = 4, .stride = 2, .padding = 1, .bias = false}),
      BatchNorm<S>({.features = 32}), ReLU<S>(),
      ConvTranspose2d<S>({.in = 32, .out = 1, .kernel = 4, .stride = 2, .padding = 1, .bias = false}), Tanh<S>());
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(normal<S>(0, 0.02), random);
  return generator;
}

/// A discriminator of a quarter of DCGAN's width, 28x28 to 14x14, 7x7, 3x3, one score; without batch norm, which the
/// penalties cannot go through.
template <class S = float>
Discriminator<S> rpgan_discriminator(const Random& random) {
  Sequential<S> layers(Conv2d<S>({.in = 1, .out = 16, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<S>(0.2),
                       Conv2d<S>({.in = 16, .out = 32, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<S>(0.2),
                       Conv2d<S>({.in = 32, .out = 64, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<S>(0.2),
                       Conv2d<S>({.in = 64, .out = 1, .kernel = 3}), Flatten<S>());
  Discriminator<S> discriminator({28, 28, 1}, std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

/// Relativistic pairing (Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
/// GAN", 2018) held by R1 (Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?",
/// 2018) and R2, the pair that Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN!", 2024, show
/// to converge and to keep all modes; on small convolutional networks in place of theirs.
///
/// Made for a run of minutes: a small batch and small networks buy many steps, the discriminator, which a step goes
/// through most often, being the smaller one; gamma is weak; the learning rate falls to nothing over the second half of
/// the run, so that the last weights are the best ones.
template <class S = float>
Recipe<S> rpgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const Schedule fall = over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); });
  const AdamOptions adam{.learning_rate = 1.5e-3, .beta1 = 0.5, .beta2 = 0.99, .schedule = fall};
  return {rpgan_generator<S>(random),
          rpgan_discriminator<S>(random),
          {.loss = relativistic_pairing<S>(),
           .batch = o.batch,
           .penalties = {r1(0.1), r2(0.1)},
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .average = MovingAverageOptions{.half_life = 20'000},
           .seed = o.seed}};
}

}  // namespace rival::recipes
