#pragma once
// Networks for sound: WaveGAN's, which make and judge samples over time, and SpecGAN's, for spectrograms. Each is a
// plain function: copy it and change it.

#include <utility>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/image_networks.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/phase_shuffle.hpp"
#include "rival/layers/projection.hpp"
#include "rival/layers/reshape.hpp"

namespace rival {

/// How large a network for sound is.
struct SoundNetworkOptions {
  Shape sample = {16'384, 1};  ///< a sound {length, 1} of 64, 256, 1024, 4096, 16384 or 65536 samples, or a spectrogram
                               ///< {frames, bands, 1} of powers of two, 16 or more
  Index width = 64;            ///< channels of the layer next to the sound, doubled with each layer from there
  Index latent = 100;          ///< of a generator
  Index classes = 0;           ///< that the network is told of; 0: none
  bool batch_norm = false;     ///< in a generator; of each class its own
  Index phase_shuffle = 2;     ///< samples, in a discriminator of sounds; 0: none
};

namespace internal {

/// How often a network divides the sample on its way to 16 steps, or to 4 in the shorter of its directions.
inline Index divisions(const Shape& sample) {
  Index count = 0;
  if (sample.rank() == 2)
    for (Index length = sample[0]; length > 16 && length % 4 == 0; length /= 4) ++count;
  else
    for (Index side = std::min(sample[0], sample[1]); side > 4; side /= 2) ++count;
  return count;
}

/// Throws Error for options out of range.
inline void check(const SoundNetworkOptions& o) {
  const Shape& s = o.sample;
  const auto power_of_two = [](Index n) { return n >= 16 && n <= 4096 && (n & (n - 1)) == 0; };
  require(s.rank() == 2 || s.rank() == 3,
          "network: expected sounds {length, 1} or spectrograms {frames, bands, 1}, got ", s);
  require(s.back() == 1, "network: expected one channel, got ", s);
  if (s.rank() == 2)
    require(divisions(s) >= 1 && divisions(s) <= 6 && s[0] >> (2 * divisions(s)) == 16,
            "network: expected sounds of 64, 256, 1024, 4096, 16384 or 65536 samples, got ", s[0]);
  else
    require(power_of_two(s[0]) && power_of_two(s[1]),
            "network: expected spectrograms of powers of two from 16 to 4096 on both sides, got ", s);
  require(o.width >= 1 && o.width <= 4096 && o.latent >= 1 && o.latent <= 65'536 && o.classes >= 0 &&
              o.classes <= most_classes,
          "network: expected a width from 1 to 4096, 1 to 65536 latent numbers and 0 to ", most_classes,
          " classes, got ", o.width, ", ", o.latent, " and ", o.classes);
  require(o.phase_shuffle >= 0 && o.phase_shuffle < 16, "network: expected a phase shuffle from 0 to 15 samples, got ",
          o.phase_shuffle);
}

/// From the latent vector, with the class one-hot behind it, to {16, C} or to a spectrogram's least size.
template <class S>
Sequential<S> sound_generator_start(const SoundNetworkOptions& o, Index channels) {
  const Index count = divisions(o.sample);
  const Shape least =
      o.sample.rank() == 2 ? Shape{16, channels} : Shape{o.sample[0] >> count, o.sample[1] >> count, channels};
  Sequential<S> layers;
  if (o.classes > 0) layers.add(Embedding<S>({.classes = o.classes, .one_hot = true}));
  layers.add(Dense<S>({.in = o.latent + o.classes, .out = least.size()})).add(Reshape<S>(least));
  return layers;
}

template <class S>
void add_norm_and_relu(Sequential<S>& layers, Index channels, const SoundNetworkOptions& o) {
  if (o.batch_norm) add_norm(layers, channels, o.classes);
  layers.add(ReLU<S>());
}

/// One score, with the class's embedding projected on the features if the network is told of classes.
template <class S>
void add_score(Sequential<S>& layers, const SoundNetworkOptions& o) {
  const Index features = layers.output_shape(o.sample).size();
  layers.add(Flatten<S>()).add(Dense<S>({.in = features, .out = 1 + o.classes}));
  if (o.classes > 0) layers.add(Projection<S>({.classes = o.classes}));
}

}  // namespace internal

/// WaveGAN's generator (Donahue, McAuley and Puckette, "Adversarial audio synthesis", 2019): a dense layer to 16 steps,
/// transposed convolutions of 25 taps that make four steps of one and halve the channels, ReLU, and tanh at the end. At
/// 16,384 samples with width 64 it is the paper's. Told of classes, the class stands one-hot behind the latent vector.
/// He's weights.
template <class S = float>
Generator<S> wavegan_generator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 2, "wavegan_generator: expected sounds {length, 1}, got ", o.sample);
  Index channels = o.width << (internal::divisions(o.sample) - 1);
  Sequential<S> layers = internal::sound_generator_start<S>(o, channels);
  for (Index length = 16; length < o.sample[0]; length *= 4) {
    internal::add_norm_and_relu(layers, channels, o);
    const Index out = 4 * length == o.sample[0] ? 1 : channels / 2;
    layers.add(ConvTranspose1d<S>(
        {.in = channels, .out = out, .kernel = 25, .stride = 4, .padding = 11, .output_padding = 1}));
    channels = out;
  }
  layers.add(Tanh<S>());
  Generator<S> generator(o.latent, std::move(layers));
  generator.initialise(he<S>(), random);
  return generator;
}

/// WaveGAN's discriminator: convolutions of 25 taps and stride 4, leaky ReLU, phase shuffle behind all but the last,
/// and one score. He's weights.
template <class S = float>
Discriminator<S> wavegan_discriminator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 2, "wavegan_discriminator: expected sounds {length, 1}, got ", o.sample);
  Sequential<S> layers;
  Index in = 1, out = o.width;
  for (Index length = o.sample[0]; length > 16; length /= 4, in = out, out *= 2) {
    layers.add(Conv1d<S>({.in = in, .out = out, .kernel = 25, .stride = 4, .padding = 11})).add(LeakyReLU<S>(0.2));
    if (o.phase_shuffle > 0 && length > 64) layers.add(PhaseShuffle<S>({.radius = o.phase_shuffle}));
  }
  internal::add_score(layers, o);
  Discriminator<S> discriminator(o.sample, std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

/// SpecGAN's generator (the same paper): spectrograms in [-1, 1] as DCGAN makes images, by transposed convolutions of
/// 4x4 and stride 2 (the paper's have 5x5). He's weights.
template <class S = float>
Generator<S> specgan_generator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 3, "specgan_generator: expected spectrograms {frames, bands, 1}, got ", o.sample);
  const Index count = internal::divisions(o.sample);
  Index channels = o.width << (count - 1);
  Sequential<S> layers = internal::sound_generator_start<S>(o, channels);
  for (Index i = 0; i < count; ++i) {
    internal::add_norm_and_relu(layers, channels, o);
    const Index out = i + 1 == count ? 1 : channels / 2;
    layers.add(ConvTranspose2d<S>({.in = channels, .out = out, .kernel = 4, .stride = 2, .padding = 1}));
    channels = out;
  }
  layers.add(Tanh<S>());
  Generator<S> generator(o.latent, std::move(layers));
  generator.initialise(he<S>(), random);
  return generator;
}

/// SpecGAN's discriminator: convolutions of 4x4 and stride 2, leaky ReLU, one score. He's weights.
template <class S = float>
Discriminator<S> specgan_discriminator(const Random& random, const SoundNetworkOptions& o) {
  internal::check(o);
  require(o.sample.rank() == 3, "specgan_discriminator: expected spectrograms {frames, bands, 1}, got ", o.sample);
  Sequential<S> layers;
  Index in = 1, out = o.width;
  for (Index i = 0; i < internal::divisions(o.sample); ++i, in = out, out *= 2)
    layers.add(Conv2d<S>({.in = in, .out = out, .kernel = 4, .stride = 2, .padding = 1})).add(LeakyReLU<S>(0.2));
  internal::add_score(layers, o);
  Discriminator<S> discriminator(o.sample, std::move(layers));
  discriminator.initialise(he<S>(0.2), random);
  return discriminator;
}

}  // namespace rival
