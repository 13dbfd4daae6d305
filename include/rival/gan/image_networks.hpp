#pragma once
// Networks for square images of 28, 32 or 64 pixels, grey or in colour. Each is a plain function: copy it and change
// it.

#include <algorithm>
#include <array>
#include <utility>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "rival/layers/sum_pool.hpp"
#include "rival/layers/upsample.hpp"

namespace rival {

/// Height and width of the images that these networks, and the recipes, are made for.
inline constexpr std::array<Index, 3> image_sizes{28, 32, 64};
/// Whether images of that height and width are among them.
constexpr bool is_image_size(Index size) {
  return std::find(image_sizes.begin(), image_sizes.end(), size) != image_sizes.end();
}

/// How large a network for images is.
struct ImageNetworkOptions {
  Index size = 64;     ///< height and width: 28, 32 or 64
  Index channels = 3;  ///< of the images
  Index width = 64;    ///< channels of the layer next to the image; DCGAN's double with each halving of its size
  Index latent = 100;  ///< of a generator
  Index classes = 0;   ///< that the network is told of; 0: none

  /// The sample shape {size, size, channels}.
  Shape image() const { return {size, size, channels}; }
};

namespace internal {

/// Throws Error for options out of range.
inline void check(const ImageNetworkOptions& o) {
  constexpr Index most = 65'536;  // whose products an Index counts
  require(is_image_size(o.size), "network: expected images of 28, 32 or 64 pixels, got ", o.size);
  require(o.channels >= 1 && o.width >= 1 && o.latent >= 1 && o.classes >= 0,
          "network: expected at least 1 channel, a width of at least 1, at least 1 latent number and 0 classes, got ",
          o.channels, ", ", o.width, ", ", o.latent, " and ", o.classes);
  require(std::max({o.channels, o.width, o.latent, o.classes}) <= most, "network: expected at most ", most,
          " channels, width, latent numbers and classes, got ", o.channels, ", ", o.width, ", ", o.latent, " and ",
          o.classes);
}

/// How often an image is halved on its way to 4 x 4, or 28 pixels to 3 x 3.
inline Index halvings(Index size) { return size == 64 ? 4 : 3; }

/// Batch norm, of each class its own if the network is told of classes.
template <class S>
void add_norm(Sequential<S>& layers, Index features, Index classes) {
  if (classes > 0)
    layers.add(ConditionalBatchNorm<S>({.features = features, .classes = classes}));
  else
    layers.add(BatchNorm<S>({.features = features}));
}

}  // namespace internal

/// The layers of the deep convolutional generator (Radford, Metz and Chintala, 2016): the latent vector as one pixel,
/// to 4x4 with `width` doubled for each halving but one, and up to the image, halving the channels. At 64 x 64 with
/// width 64 it is the generator of PyTorch's tutorial.
template <class S = float>
Sequential<S> dcgan_generator_layers(const ImageNetworkOptions& o) {
  internal::check(o);
  Index channels = o.width << (internal::halvings(o.size) - 1), side = 4;
  Sequential<S> layers(Reshape<S>({1, 1, o.latent}));
  layers.add(ConvTranspose2d<S>({.in = o.latent, .out = channels, .kernel = 4, .bias = false}));
  while (side < o.size) {
    internal::add_norm(layers, channels, o.classes);
    layers.add(ReLU<S>());
    const bool to_seven = o.size == 28 && side == 4;  // 4, 7, 14, 28
    side = to_seven ? 7 : 2 * side;
    const Index out = side == o.size ? o.channels : channels / 2;
    layers.add(ConvTranspose2d<S>(
        {.in = channels, .out = out, .kernel = to_seven ? 3 : 4, .stride = 2, .padding = 1, .bias = false}));
    channels = out;
  }
  layers.add(Tanh<S>());
  return layers;
}

/// The generator of these layers, its weights drawn from N(0, 0.02).
template <class S = float>
Generator<S> dcgan_generator(const Random& random, const ImageNetworkOptions& o) {
  Generator<S> generator(o.latent, dcgan_generator_layers<S>(o));
  generator.initialise(normal<S>(0, 0.02), random);
  return generator;
}

/// The layers below the score of the discriminator to it: `width` channels first, and twice as many with each halving
/// of the image, down to 4x4 (28x28 to 3x3). `norm`: batch norm behind all but the first, and no biases.
template <class S = float>
Sequential<S> dcgan_discriminator_layers(const ImageNetworkOptions& o, bool norm) {
  internal::check(o);
  Sequential<S> layers;
  Index in = o.channels, out = o.width;
  for (Index side = o.size; side > 4; side /= 2, in = out, out *= 2) {
    layers.add(Conv2d<S>({.in = in, .out = out, .kernel = 4, .stride = 2, .padding = 1, .bias = !norm}));
    if (norm && side < o.size) layers.add(BatchNorm<S>({.features = out}));
    layers.add(LeakyReLU<S>(0.2));
  }
  return layers;
}

/// The discriminator of these layers, with batch norm, and one score; its weights drawn from N(0, 0.02).
template <class S = float>
Discriminator<S> dcgan_discriminator(const Random& random, const ImageNetworkOptions& o) {
  Sequential<S> layers = dcgan_discriminator_layers<S>(o, true);
  const Shape last = layers.output_shape(o.image());
  layers.add(Conv2d<S>({.in = last[2], .out = 1, .kernel = last[0], .bias = false})).add(Flatten<S>());
  Discriminator<S> discriminator(o.image(), std::move(layers));
  discriminator.initialise(normal<S>(0, 0.02), random);
  return discriminator;
}

/// The same without normalisation and with biases, He's weights, for losses that cannot bear batch norm: gradient
/// penalties, Wasserstein.
template <class S = float>
Discriminator<S> dcgan_critic(const Random& random, const ImageNetworkOptions& o) {
  Sequential<S> layers = dcgan_discriminator_layers<S>(o, false);
  const Shape last = layers.output_shape(o.image());
  layers.add(Conv2d<S>({.in = last[2], .out = 1, .kernel = last[0]})).add(Flatten<S>());
  Discriminator<S> discriminator(o.image(), std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

namespace internal {

/// A block of a residual generator: twice the size, by nearest pixels, then two 3x3 convolutions behind batch norm and
/// ReLU; beside it a 1x1 convolution.
template <class S>
Residual<S> resnet_up(Index in, Index out, Index classes) {
  Sequential<S> main;
  add_norm(main, in, classes);
  main.add(ReLU<S>()).add(Upsample<S>()).add(Conv2d<S>({.in = in, .out = out, .kernel = 3, .padding = 1}));
  add_norm(main, out, classes);
  main.add(ReLU<S>()).add(Conv2d<S>({.in = out, .out = out, .kernel = 3, .padding = 1}));
  return Residual<S>(std::move(main), Sequential<S>(Upsample<S>(), Conv2d<S>({.in = in, .out = out, .kernel = 1})));
}

/// A convolution, under spectral norm if that is wanted.
template <class S>
void add_convolution(Sequential<S>& layers, const Conv2dOptions& options, bool spectral) {
  if (spectral)
    layers.add(SpectralNorm(Conv2d<S>(options)));
  else
    layers.add(Conv2d<S>(options));
}

/// A block of a residual discriminator: two 3x3 convolutions behind ReLUs, then half the size by averages if `halve`.
/// In front of the image stands no ReLU, and the branch beside is halved before its convolution.
template <class S>
Residual<S> resnet_down(Index in, Index out, bool halve, bool first, bool spectral) {
  Sequential<S> main, skip;
  if (!first) main.add(ReLU<S>());
  add_convolution<S>(main, {.in = in, .out = out, .kernel = 3, .padding = 1}, spectral);
  main.add(ReLU<S>());
  add_convolution<S>(main, {.in = out, .out = out, .kernel = 3, .padding = 1}, spectral);
  if (halve) main.add(AvgPool2d<S>());
  if (first && halve) skip.add(AvgPool2d<S>());
  if (in != out || halve) add_convolution<S>(skip, {.in = in, .out = out, .kernel = 1}, spectral);
  if (!first && halve) skip.add(AvgPool2d<S>());
  return Residual<S>(std::move(main), std::move(skip));
}

}  // namespace internal

/// The residual generator that Gulrajani et al. (2017) and Miyato et al. (2018) train on CIFAR-10: a dense layer to 4x4
/// (7x7 for 28 pixels), blocks that double the size, all of `width` channels (128 there for the former, 256 for the
/// latter), batch norm, ReLU, a convolution.
template <class S = float>
Generator<S> resnet_generator(const Random& random, const ImageNetworkOptions& o) {
  internal::check(o);
  Index side = o.size == 28 ? 7 : 4;
  Sequential<S> layers(Dense<S>({.in = o.latent, .out = side * side * o.width}), Reshape<S>({side, side, o.width}));
  for (; side < o.size; side *= 2) layers.add(internal::resnet_up<S>(o.width, o.width, o.classes));
  internal::add_norm(layers, o.width, o.classes);
  layers.add(ReLU<S>()).add(Conv2d<S>({.in = o.width, .out = o.channels, .kernel = 3, .padding = 1})).add(Tanh<S>());
  Generator<S> generator(o.latent, std::move(layers));
  generator.initialise(glorot<S>(), random);
  return generator;
}

/// The residual discriminator to it: blocks that halve the image down to 8x8 (7x7), two that do not, ReLU, the mean of
/// each channel's pixels, and one score. `spectral`: under spectral norm throughout, and the sum in place of the mean
/// (Miyato et al.). Told of classes, it projects the class's embedding on the last features (Miyato and Koyama, 2018).
template <class S = float>
Discriminator<S> resnet_discriminator(const Random& random, const ImageNetworkOptions& o, bool spectral) {
  internal::check(o);
  Sequential<S> layers;
  Index in = o.channels;
  for (Index side = o.size; side > 8; side /= 2, in = o.width)
    layers.add(internal::resnet_down<S>(in, o.width, true, side == o.size, spectral));
  for (int block = 0; block < 2; ++block)
    layers.add(internal::resnet_down<S>(o.width, o.width, false, false, spectral));
  layers.add(ReLU<S>());
  if (spectral)
    layers.add(SumPool<S>());
  else
    layers.add(AvgPool2d<S>({.kernel = o.size == 28 ? 7 : 8})).add(Flatten<S>());
  const DenseOptions score{.in = o.width, .out = 1 + o.classes};
  if (spectral)
    layers.add(SpectralNorm(Dense<S>(score)));
  else
    layers.add(Dense<S>(score));
  if (o.classes > 0) layers.add(Projection<S>({.classes = o.classes}));
  Discriminator<S> discriminator(o.image(), std::move(layers));
  discriminator.initialise(glorot<S>(), random);
  return discriminator;
}

RIVAL_INSTANTIATE_FUNCTION(dcgan_generator_layers);
RIVAL_INSTANTIATE_FUNCTION(dcgan_generator);
RIVAL_INSTANTIATE_FUNCTION(dcgan_discriminator_layers);
RIVAL_INSTANTIATE_FUNCTION(dcgan_discriminator);
RIVAL_INSTANTIATE_FUNCTION(dcgan_critic);
RIVAL_INSTANTIATE_FUNCTION(resnet_generator);
RIVAL_INSTANTIATE_FUNCTION(resnet_discriminator);

}  // namespace rival
