#pragma once
// Recipes of generators that take nothing but a latent vector. Networks are scaled to small images and a CPU; losses,
// optimisers and what keeps the discriminator in bounds are the papers'. Copy one and change it.

#include "rival/gan/architectures.hpp"
#include "rival/gan/recipes/recipe.hpp"
#include "rival/layers/spectral_norm.hpp"

namespace rival::recipes {

/// Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville and Bengio, "Generative adversarial nets",
/// 2014: fully connected networks, ReLUs in the generator, dropout in the discriminator, the non-saturating loss. (With
/// leaky ReLUs in place of maxout, and Adam in place of 250 epochs of gradient descent with momentum.)
template <class S = float>
Recipe<S> gan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const Index pixels = o.image.size();
  Generator<S> generator(100, Sequential<S>(Dense<S>({.in = 100, .out = 600}), ReLU<S>(),   //
                                            Dense<S>({.in = 600, .out = 1200}), ReLU<S>(),  //
                                            Dense<S>({.in = 1200, .out = pixels}), Tanh<S>(), Reshape<S>(o.image)));
  Discriminator<S> discriminator(
      o.image, Sequential<S>(Flatten<S>(),                                                                        //
                             Dense<S>({.in = pixels, .out = 512}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),  //
                             Dense<S>({.in = 512, .out = 256}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),     //
                             Dense<S>({.in = 256, .out = 1})));
  generator.initialise(he<S>(), random);
  discriminator.initialise(he<S>(0.2), random);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
/// networks", 2016: convolutions, batch norm in both networks, weights from N(0, 0.02), Adam with 2e-4 and beta1 0.5.
template <class S = float>
Recipe<S> dcgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {dcgan_generator<S>(random, rival::internal::network_of(o, 64)),
          dcgan_discriminator<S>(random, rival::internal::network_of(o, 64)),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Mao, Li, Xie, Lau, Wang and Smolley, "Least squares generative adversarial networks", 2017: DCGAN with the labels 0,
/// 1 and 1.
template <class S = float>
Recipe<S> lsgan(const RecipeOptions& o) {
  Recipe<S> recipe = dcgan<S>(o);
  recipe.options.loss = least_squares<S>();
  return recipe;
}

/// Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017: DCGAN whose discriminator scores without bounds, its weights
/// clipped to +-0.01, five of its steps for each of the generator's, RMSProp with 5e-5.
template <class S = float>
Recipe<S> wgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const RmsPropOptions rmsprop{.learning_rate = 5e-5};
  return {dcgan_generator<S>(random, rival::internal::network_of(o, 64)),
          dcgan_discriminator<S>(random, rival::internal::network_of(o, 64)),
          {.loss = wasserstein<S>(),
           .batch = o.batch,
           .weight_clip = 0.01,
           .discriminator_steps = 5,
           .generator_optimizer = rmsprop,
           .discriminator_optimizer = rmsprop,
           .seed = o.seed}};
}

/// Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017: the penalty with
/// lambda 10, no batch norm in the critic, five of its steps for each of the generator's, Adam with 1e-4, beta1 0.5 and
/// beta2 0.9. Residual networks, but for 28 pixels, where they are DCGAN's.
template <class S = float>
Recipe<S> wgan_gp(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  const ImageNetworkOptions network = rival::internal::network_of(o, 64);
  const bool small = network.size == 28;
  return {small ? dcgan_generator<S>(random, network) : resnet_generator<S>(random, network),
          small ? dcgan_critic<S>(random, network) : resnet_discriminator<S>(random, network, false),
          {.loss = wasserstein<S>(),
           .batch = o.batch,
           .penalties = {rival::wgan_gp(10)},
           .discriminator_steps = 5,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Kodali, Abernethy, Hays and Kira, "On convergence and stability of GANs", 2017: the non-saturating loss with a
/// penalty around the real samples, lambda 10, one step each, Adam with 1e-4, beta1 0.5 and beta2 0.9.
template <class S = float>
Recipe<S> dragan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  return {dcgan_generator<S>(random, rival::internal::network_of(o, 64)),
          dcgan_critic<S>(random, rival::internal::network_of(o, 64)),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .penalties = {rival::dragan(10)},
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

namespace internal {

/// A plain one for 28 pixels.
template <class S>
Discriminator<S> sngan28_discriminator(const Random& random, const ImageNetworkOptions& o) {
  const Index w = o.width;
  Discriminator<S> discriminator(
      o.image(),
      Sequential<S>(
          SpectralNorm(Conv2d<S>({.in = o.channels, .out = w, .kernel = 3, .padding = 1})), LeakyReLU<S>(0.1),
          SpectralNorm(Conv2d<S>({.in = w, .out = w, .kernel = 4, .stride = 2, .padding = 1})), LeakyReLU<S>(0.1),
          SpectralNorm(Conv2d<S>({.in = w, .out = 2 * w, .kernel = 4, .stride = 2, .padding = 1})), LeakyReLU<S>(0.1),
          SpectralNorm(Conv2d<S>({.in = 2 * w, .out = 4 * w, .kernel = 4, .stride = 2, .padding = 1})),
          LeakyReLU<S>(0.1), Flatten<S>(), SpectralNorm(Dense<S>({.in = 3 * 3 * 4 * w, .out = 1}))));
  discriminator.initialise(he<S>(0.1), random);
  return discriminator;
}

}  // namespace internal

/// Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks", 2018: every layer
/// of the discriminator normalised, the hinge loss, setting C of table 1 (Adam with 2e-4, beta1 0.5, beta2 0.999, one
/// step each). Residual networks, but for 28 pixels.
template <class S = float>
Recipe<S> sngan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const ImageNetworkOptions network = rival::internal::network_of(o, 64);
  const bool small = network.size == 28;
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {small ? dcgan_generator<S>(random, network) : resnet_generator<S>(random, network),
          small ? internal::sngan28_discriminator<S>(random, network) : resnet_discriminator<S>(random, network, true),
          {.loss = hinge<S>(),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

RIVAL_INSTANTIATE_FUNCTION(gan);
RIVAL_INSTANTIATE_FUNCTION(dcgan);
RIVAL_INSTANTIATE_FUNCTION(lsgan);
RIVAL_INSTANTIATE_FUNCTION(wgan);
RIVAL_INSTANTIATE_FUNCTION(wgan_gp);
RIVAL_INSTANTIATE_FUNCTION(dragan);
RIVAL_INSTANTIATE_FUNCTION(sngan);

}  // namespace rival::recipes
