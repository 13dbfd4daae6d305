#pragma once
// Ready networks for lines of text: a generator whose last axis is a choice of one symbol, and a critic that mirrors
// it.

#include <utility>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/softmax.hpp"

namespace rival {

/// The size of a network for lines.
struct TextNetworkOptions {
  Index length = 32;    ///< symbols in a line
  Index symbols = 0;    ///< that there are, padding counted
  Index width = 64;     ///< channels
  Index blocks = 5;     ///< residual ones
  Index latent = 128;   ///< numbers in the generator's latent vector
  Index classes = 0;    ///< 0: networks take no labels
  Index features = 16;  ///< numbers that tell the generator a class
};

namespace internal {

/// x + f(x): ReLU, convolution, ReLU, convolution, both of 5 symbols.
template <class S>
Residual<S> text_block(Index width) {
  const Conv1dOptions same{.in = width, .out = width, .kernel = 5, .padding = 2};
  return Residual<S>(Sequential<S>(ReLU<S>(), Conv1d<S>(same), ReLU<S>(), Conv1d<S>(same)));
}

/// He's weights, those of each block's second convolution times 0.3, the share that Gulrajani et al. give to a block.
template <class S>
void initialise_text(Network<S>& network, const Random& random) {
  network.initialise(he<S>(), random);
  for (auto* parameter : network.parameters())
    if (parameter->name.ends_with(".main.conv2.weight")) parameter->value.array() *= S(0.3);
}

}  // namespace internal

/// A dense layer to `length` places of `width` channels, residual blocks of convolutions over 5 places, and at each
/// place a softmax over the symbols (the character network of Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville,
/// "Improved training of Wasserstein GANs", 2017).
template <class S = float>
Generator<S> text_generator(const Random& random, const TextNetworkOptions& o, const SoftmaxOptions& softmax = {}) {
  Sequential<S> layers;
  if (o.classes > 0) layers.add(Embedding<S>({.classes = o.classes, .features = o.features}));
  layers.add(Dense<S>({.in = o.latent + (o.classes > 0 ? o.features : 0), .out = o.length * o.width}));
  layers.add(Reshape<S>({o.length, o.width}));
  for (Index i = 0; i < o.blocks; ++i) layers.add(internal::text_block<S>(o.width));
  layers.add(Conv1d<S>({.in = o.width, .out = o.symbols, .kernel = 1})).add(Softmax<S>(softmax));
  Generator<S> generator(o.latent, std::move(layers));
  internal::initialise_text(generator, random);
  return generator;
}

/// The mirror image: from symbols to `width` channels, residual blocks, a dense layer to one score; with classes to one
/// score each and how real the line is (`Projection`).
template <class S = float>
Discriminator<S> text_critic(const Random& random, const TextNetworkOptions& o) {
  Sequential<S> layers(Conv1d<S>({.in = o.symbols, .out = o.width, .kernel = 1}));
  for (Index i = 0; i < o.blocks; ++i) layers.add(internal::text_block<S>(o.width));
  layers.add(Flatten<S>()).add(Dense<S>({.in = o.length * o.width, .out = 1 + o.classes}));
  if (o.classes > 0) layers.add(Projection<S>({.classes = o.classes}));
  Discriminator<S> critic({o.length, o.symbols}, std::move(layers));
  internal::initialise_text(critic, random);
  return critic;
}

}  // namespace rival
