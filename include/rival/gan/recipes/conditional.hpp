#pragma once
// Recipes of generators that are also told what to make: a class, or a code that they find a meaning for themselves.

#include "rival/gan/architectures.hpp"
#include "rival/gan/latent_law.hpp"
#include "rival/gan/recipes/recipe.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "rival/layers/sum_pool.hpp"

namespace rival::recipes {

namespace internal {

/// DCGAN's generator for a latent vector with the class behind it, one-hot.
template <class S>
Generator<S> one_hot_generator(Index latent, const RecipeOptions& o) {
  ImageNetworkOptions network = rival::internal::network_of(o, 64);
  network.latent = latent + o.classes;
  Sequential<S> layers(Embedding<S>({.classes = o.classes, .one_hot = true}));
  layers.add(dcgan_generator_layers<S>(network));
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(normal<S>(0, 0.02), Random(o.seed));
  return generator;
}

/// DCGAN's discriminator with `heads` further outputs.
template <class S>
Discriminator<S> discriminator_with_heads(Index heads, const RecipeOptions& o) {
  const ImageNetworkOptions network = rival::internal::network_of(o, 64);
  Sequential<S> layers = dcgan_discriminator_layers<S>(network, true);
  const Index features = layers.output_shape(o.image).size();
  layers.add(Dropout<S>({.rate = 0.25})).add(Flatten<S>()).add(Dense<S>({.in = features, .out = 1 + heads}));
  Discriminator<S> discriminator(o.image, std::move(layers), "D", heads);
  discriminator.initialise(normal<S>(0, 0.02), Random(o.seed));
  return discriminator;
}

/// A plain discriminator for 28 pixels that projects the class.
template <class S>
Discriminator<S> projection28_discriminator(const Random& random, const ImageNetworkOptions& o) {
  const Index w = o.width;
  Discriminator<S> discriminator(
      o.image(),
      Sequential<S>(SpectralNorm(Conv2d<S>({.in = o.channels, .out = w, .kernel = 4, .stride = 2, .padding = 1})),
                    LeakyReLU<S>(0.1),
                    SpectralNorm(Conv2d<S>({.in = w, .out = 2 * w, .kernel = 4, .stride = 2, .padding = 1})),
                    LeakyReLU<S>(0.1),
                    SpectralNorm(Conv2d<S>({.in = 2 * w, .out = 4 * w, .kernel = 4, .stride = 2, .padding = 1})),
                    LeakyReLU<S>(0.1), SumPool<S>(), SpectralNorm(Dense<S>({.in = 4 * w, .out = 1 + o.classes})),
                    Projection<S>({.classes = o.classes})));
  discriminator.initialise(he<S>(0.1), random);
  return discriminator;
}

}  // namespace internal

/// Mirza and Osindero, "Conditional generative adversarial nets", 2014: fully connected networks that both get the
/// class beside their input, as 100 numbers each (a layer of the paper's made of the one-hot class). (Adam in place of
/// gradient descent with momentum.)
template <class S = float>
Recipe<S> cgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  const Index pixels = o.image.size();
  Generator<S> generator(
      100, Sequential<S>(Embedding<S>({.classes = o.classes, .features = 100}), Dense<S>({.in = 200, .out = 600}),
                         ReLU<S>(), Dense<S>({.in = 600, .out = 1200}), ReLU<S>(),
                         Dense<S>({.in = 1200, .out = pixels}), Tanh<S>(), Reshape<S>(o.image)));
  Discriminator<S> discriminator(
      o.image, Sequential<S>(Flatten<S>(), Embedding<S>({.classes = o.classes, .features = 100}),
                             Dense<S>({.in = pixels + 100, .out = 512}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),
                             Dense<S>({.in = 512, .out = 256}), LeakyReLU<S>(0.2), Dropout<S>({.rate = 0.5}),
                             Dense<S>({.in = 256, .out = 1})));
  generator.initialise(he<S>(), random);
  discriminator.initialise(he<S>(0.2), random);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .labels = LabelSource::data,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Odena, Olah and Shlens, "Conditional image synthesis with auxiliary classifier GANs", 2017: the discriminator also
/// tells the class, of real and of generated images; Adam with 2e-4 and beta1 0.5.
template <class S = float>
Recipe<S> acgan(const RecipeOptions& o) {
  rival::internal::check(o);
  const AdamOptions adam{.learning_rate = 2e-4, .beta1 = 0.5};
  return {internal::one_hot_generator<S>(100, o),
          internal::discriminator_with_heads<S>(o.classes, o),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .auxiliary = classification<S>(),
           .labels = LabelSource::data,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Miyato and Koyama, "cGANs with projection discriminator", 2018: the class's embedding, projected on the
/// discriminator's last features, is added to its score; spectral norm throughout; conditional batch norm in the
/// generator; the hinge loss; residual networks, but for 28 pixels; Adam with 2e-4, beta1 0 and beta2 0.9. (Narrower
/// and, for a run of minutes, with one discriminator step and 1e-3 for the generator in place of five steps and 2e-4.)
template <class S = float>
Recipe<S> projection(const RecipeOptions& o) {
  rival::internal::check(o);
  const Random random(o.seed);
  ImageNetworkOptions network = rival::internal::network_of(o, 32);
  network.classes = o.classes;
  const bool small = network.size == 28;
  Generator<S> generator =
      small ? Generator<S>(network.latent, dcgan_generator_layers<S>(network)) : resnet_generator<S>(random, network);
  if (small) generator.initialise(glorot<S>(), random);  // as the residual one is
  Discriminator<S> discriminator =
      small ? internal::projection28_discriminator<S>(random, network) : resnet_discriminator<S>(random, network, true);
  return {std::move(generator),
          std::move(discriminator),
          {.loss = hinge<S>(),
           .batch = o.batch,
           .labels = LabelSource::data,
           .generator_optimizer = AdamOptions{.learning_rate = 1e-3, .beta1 = 0, .beta2 = 0.9},
           .discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0, .beta2 = 0.9},
           .seed = o.seed}};
}

/// Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel, "InfoGAN", 2016: 62 numbers of noise, two codes uniform in
/// [-1, 1) and a class that is drawn and never shown real; the discriminator's heads tell code and class from the
/// image. Adam with beta1 0.5, 2e-4 for the discriminator and 1e-3 for the generator. What a class or a code comes to
/// mean is for the networks to find out.
template <class S = float>
Recipe<S> infogan(const RecipeOptions& o) {
  rival::internal::check(o);
  constexpr Index codes = 2, noise = 62;
  return {internal::one_hot_generator<S>(codes + noise, o),
          internal::discriminator_with_heads<S>(o.classes + codes, o),
          {.loss = non_saturating<S>(),
           .batch = o.batch,
           .auxiliary = information<S>({.classes = o.classes, .codes = codes, .class_weight = 1, .code_weight = 0.1}),
           .labels = LabelSource::drawn,
           .classes = o.classes,
           .draw_latent = LatentLaw<S>(codes),
           .generator_optimizer = AdamOptions{.learning_rate = 1e-3, .beta1 = 0.5},
           .discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5},
           .seed = o.seed}};
}

RIVAL_INSTANTIATE_FUNCTION(cgan);
RIVAL_INSTANTIATE_FUNCTION(acgan);
RIVAL_INSTANTIATE_FUNCTION(projection);
RIVAL_INSTANTIATE_FUNCTION(infogan);

}  // namespace rival::recipes
