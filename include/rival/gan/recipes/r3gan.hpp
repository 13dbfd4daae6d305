#pragma once
// R3GAN: "re-GAN", a plain strong baseline.

#include <algorithm>
#include <cmath>
#include <string>

#include "rival/gan/recipes/recipe.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/constant.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/resample.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/residual.hpp"
#include "rival/loss/relativistic.hpp"

namespace rival::recipes {

namespace internal {

/// x + f(x), f a bottleneck turned inside out: 1x1 to twice the channels, 3x3 in groups of 16 of them, 1x1 back.
template <class S>
Residual<S> r3gan_block(Index channels) {
  const Index wide = 2 * channels;
  return Residual<S>(Sequential<S>(Conv2d<S>({.in = channels, .out = wide, .kernel = 1}), LeakyReLU<S>(0.2),
                                   Conv2d<S>({.in = wide, .out = wide, .kernel = 3, .padding = 1, .groups = wide / 16}),
                                   LeakyReLU<S>(0.2),
                                   Conv2d<S>({.in = wide, .out = channels, .kernel = 1, .bias = false})));
}

/// He's initialisation scaled by the number of blocks to the power of -1/4, two layers of a block being scaled (Fixup:
/// Zhang, Dauphin and Ma, 2019), and every block's last convolution 0, so that each begins as the identity.
template <class S>
void initialise_r3gan(Network<S>& network, int blocks, const Random& random) {
  network.initialise(he<S>(0.2), random);
  for (auto* parameter : network.parameters()) {
    if (parameter->name.find(".main.") == std::string::npos || parameter->value.rank() < 2) continue;
    const bool last = parameter->name.ends_with(".conv3.weight");
    parameter->value.array() *= last ? S(0) : static_cast<S>(std::pow(blocks, -0.25));
  }
}

}  // namespace internal

/// Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline", 2024:
/// relativistic pairing with R1 and R2 on every step; no normalisation, no tricks: residual blocks, a learned constant
/// that the latent vector scales, [1,2,1] resampling; Adam with beta1 0; within the burn-in (here half of the run)
/// gamma falls to a tenth, beta2 rises from 0.9 to 0.99 and the learning rate falls to a quarter along cosines; one
/// samples from a moving average. Table 9, with fewer channels, and for a run of minutes a rate from 1e-3 (the paper's
/// from 2e-4) and gamma from 10. At 28 pixels from 7x7, else from 4x4, with one block a size.
///
/// The width must be a multiple of 8, as groups have 16 channels.
template <class S = float>
Recipe<S> r3gan(const RecipeOptions& o) {
  rival::internal::check(o);
  require(o.width % 8 == 0, "recipe: r3gan expects a width of a multiple of 8, got ", o.width);
  const Random random(o.seed);
  constexpr Index latent = 64;
  const ImageNetworkOptions network = rival::internal::network_of(o, 16);
  const auto block = [](Index channels) { return internal::r3gan_block<S>(channels); };
  const auto change = [](Index in, Index out) { return Conv2d<S>({.in = in, .out = out, .kernel = 1, .bias = false}); };
  // Down to 7 or 4 pixels, a block at each size.
  const Index smallest = network.size == 28 ? 7 : 4, widest = network.width * network.size / smallest;
  int blocks = 1;
  Sequential<S> up(Basis<S>({.in = latent, .shape = {smallest, smallest, widest}}), block(widest)), down;
  down.add(Conv2d<S>({.in = network.channels, .out = network.width, .kernel = 1})).add(block(network.width));
  for (Index side = smallest; side < network.size; side *= 2, ++blocks) {
    const Index wide = network.width * network.size / side;  // of the generator, which begins with few pixels
    up.add(change(wide, wide / 2)).add(BlurUpsample<S>()).add(block(wide / 2));
    const Index narrow = network.width * side / smallest;  // of the discriminator, which begins with many
    down.add(BlurDownsample<S>()).add(change(narrow, 2 * narrow)).add(block(2 * narrow));
  }
  up.add(Conv2d<S>({.in = network.width, .out = network.channels, .kernel = 1}));
  down.add(Conv2d<S>({.in = widest, .out = widest, .kernel = smallest, .bias = false, .groups = widest}));
  down.add(Flatten<S>()).add(Dense<S>({.in = widest, .out = 1, .bias = false}));
  Generator<S> generator(latent, std::move(up));
  Discriminator<S> discriminator(o.image, std::move(down));
  internal::initialise_r3gan(generator, blocks, random.stream("generator"));
  internal::initialise_r3gan(discriminator, blocks, random.stream("discriminator"));

  // Half of the run.
  const auto burn_in = [](double from, double to) {
    return over_run(
        [=](long steps) { return cosine_burn_in({.from = from, .to = to, .steps = std::max(1L, steps / 2)}); });
  };
  const Schedule gamma = burn_in(10, 1);
  const AdamOptions adam{
      .learning_rate = 1e-3, .beta1 = 0, .schedule = burn_in(1, 0.25), .beta2_schedule = burn_in(0.9, 0.99)};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = relativistic_pairing<S>(),
           .batch = o.batch,
           .penalties = {r1(1, gamma), r2(1, gamma)},
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .average = MovingAverageOptions{.half_life = 500.0 * static_cast<double>(o.batch), .ramp_up = 0.05},
           .seed = o.seed}};
}

RIVAL_INSTANTIATE_FUNCTION(r3gan);

}  // namespace rival::recipes
