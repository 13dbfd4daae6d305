#pragma once
// Ready architectures for grey images of 28 x 28. Each is a plain function: copy it and change it. Those for other
// sizes and colours are in image_networks.hpp.

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/image_networks.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"

namespace rival {

/// latent-256-512-1024-784, batch norm and leaky ReLU between, tanh at the end.
template <class S = float>
Generator<S> dense_generator(const Random& random, Index latent = 100) {
  Sequential<S> layers(Dense<S>({.in = latent, .out = 256}), BatchNorm<S>({.features = 256}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 256, .out = 512}), BatchNorm<S>({.features = 512}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 512, .out = 1024}), BatchNorm<S>({.features = 1024}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 1024, .out = 784}), Tanh<S>(), Reshape<S>({28, 28, 1}));
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(uniform_fan_in<S>(), random);
  return generator;
}

/// 784-512-256-1, leaky ReLU between.
template <class S = float>
Discriminator<S> dense_discriminator(const Random& random) {
  Sequential<S> layers(Flatten<S>(), Dense<S>({.in = 784, .out = 512}), LeakyReLU<S>(0.2),
                       Dense<S>({.in = 512, .out = 256}), LeakyReLU<S>(0.2), Dense<S>({.in = 256, .out = 1}));
  Discriminator<S> discriminator({28, 28, 1}, std::move(layers));
  discriminator.initialise(uniform_fan_in<S>(), random);
  return discriminator;
}

/// DCGAN's generator for 28 x 28: 1x1 to 4x4, 7x7, 14x14, 28x28, with 256, 128 and 64 channels between.
template <class S = float>
Generator<S> dcgan28_generator(const Random& random, Index latent = 100) {
  return dcgan_generator<S>(random, {.size = 28, .channels = 1, .width = 64, .latent = latent});
}

/// The discriminator to it: 28x28 to 14x14, 7x7, 3x3, one logit.
template <class S = float>
Discriminator<S> dcgan28_discriminator(const Random& random) {
  return dcgan_discriminator<S>(random, {.size = 28, .channels = 1, .width = 64});
}

/// The same without normalisation and with biases.
template <class S = float>
Discriminator<S> dcgan28_critic(const Random& random) {
  return dcgan_critic<S>(random, {.size = 28, .channels = 1, .width = 64});
}

/// The generator of TensorFlow's DCGAN tutorial: a dense layer to 7x7x256, then 5x5 kernels to 7x7, 14x14, 28x28.
/// "Same" padding of a 5x5 kernel with stride 2 crops one row and column before and two behind.
template <class S = float>
Generator<S> tfdcgan_generator(const Random& random, Index latent = 100) {
  Sequential<S> layers(
      Dense<S>({.in = latent, .out = 7 * 7 * 256, .bias = false}), BatchNorm<S>({.features = 7 * 7 * 256}),
      LeakyReLU<S>(0.3), Reshape<S>({7, 7, 256}),
      ConvTranspose2d<S>({.in = 256, .out = 128, .kernel = 5, .padding = 2, .bias = false}),
      BatchNorm<S>({.features = 128}), LeakyReLU<S>(0.3),
      ConvTranspose2d<S>(
          {.in = 128, .out = 64, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2, .bias = false}),
      BatchNorm<S>({.features = 64}), LeakyReLU<S>(0.3),
      ConvTranspose2d<S>({.in = 64, .out = 1, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2, .bias = false}),
      Tanh<S>());
  Generator<S> generator(latent, std::move(layers));
  generator.initialise(glorot<S>(), random);
  return generator;
}

/// The discriminator of that tutorial: dropout in the place of batch norm.
template <class S = float>
Discriminator<S> tfdcgan_discriminator(const Random& random) {
  Sequential<S> layers(Conv2d<S>({.in = 1, .out = 64, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}),
                       LeakyReLU<S>(0.3), Dropout<S>({.rate = 0.3}),
                       Conv2d<S>({.in = 64, .out = 128, .kernel = 5, .stride = 2, .padding = 1, .padding_end = 2}),
                       LeakyReLU<S>(0.3), Dropout<S>({.rate = 0.3}), Flatten<S>(),
                       Dense<S>({.in = 7 * 7 * 128, .out = 1}));
  Discriminator<S> discriminator({28, 28, 1}, std::move(layers));
  discriminator.initialise(glorot<S>(), random);
  return discriminator;
}

RIVAL_INSTANTIATE_FUNCTION(dense_generator);
RIVAL_INSTANTIATE_FUNCTION(dense_discriminator);
RIVAL_INSTANTIATE_FUNCTION(dcgan28_generator);
RIVAL_INSTANTIATE_FUNCTION(dcgan28_discriminator);
RIVAL_INSTANTIATE_FUNCTION(dcgan28_critic);
RIVAL_INSTANTIATE_FUNCTION(tfdcgan_generator);
RIVAL_INSTANTIATE_FUNCTION(tfdcgan_discriminator);

}  // namespace rival
