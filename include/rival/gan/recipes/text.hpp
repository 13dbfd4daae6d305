#pragma once
// Recipes for lines of text.

#include <algorithm>
#include <cstdint>

#include "rival/gan/recipes/recipe.hpp"
#include "rival/gan/text_networks.hpp"
#include "rival/loss/relativistic.hpp"

namespace rival {

/// What a recipe for text is told. The lines are those of a data set of samples {length, symbols}, as `read_text`
/// gives.
struct TextRecipeOptions {
  Index length = 32;       ///< places in a line
  Index symbols = 0;       ///< padding counted
  Index classes = 0;       ///< of the lines; 0: without
  Index batch = 64;        ///< lines in a training step
  Index width = 0;         ///< channels of both networks; 0: the recipe's own
  std::uint64_t seed = 0;  ///< of the weights and of the training
};

namespace internal {

/// Throws Error for options out of range. `own` is the recipe's width.
inline TextNetworkOptions text_network_of(const TextRecipeOptions& o, Index own) {
  require(o.length >= 1 && o.symbols >= 2, "text recipe: expected lines of at least 1 place and 2 symbols, got ",
          o.length, " and ", o.symbols);
  require(o.classes >= 0 && o.classes <= most_classes, "text recipe: expected classes from 0 to ", most_classes,
          ", got ", o.classes);
  require(o.batch >= 1, "text recipe: expected a batch of at least 1, got ", o.batch);
  require(o.width >= 0 && o.width <= 4096, "text recipe: expected a width from 0 to 4096, got ", o.width);
  return {.length = o.length, .symbols = o.symbols, .width = o.width > 0 ? o.width : own, .classes = o.classes};
}

}  // namespace internal

namespace recipes {

/// Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017, section 5.4: the
/// critic sees one-hot lines and softmax outputs as they are; Wasserstein loss, lambda 10, Adam with 1e-4, beta1 0.5
/// and beta2 0.9, and ten of the critic's steps for each of the generator's. With 64 channels in place of 512.
template <class S = float>
Recipe<S> text_wgan_gp(const TextRecipeOptions& o) {
  const TextNetworkOptions network = rival::internal::text_network_of(o, 64);
  const Random random(o.seed);
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9};
  return {text_generator<S>(random.stream("generator"), network),
          text_critic<S>(random.stream("critic"), network),
          {.loss = wasserstein<S>(),
           .batch = o.batch,
           .penalties = {rival::wgan_gp(10)},
           .labels = o.classes > 0 ? LabelSource::data : LabelSource::none,
           .discriminator_steps = 10,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

/// Relativistic pairing with R1 and R2 (as `rpgan`) on smaller networks of the same kind, for a run of minutes. The
/// critic never sees anything but whole symbols: the generator's are drawn with Gumbel noise, hard, and the gradient
/// goes through as if they were soft (Jang, Gu and Poole, 2017). Else the critic tells the two apart by softness alone,
/// and the generator learns to be sure before it learns to spell. Both are of as few blocks as see a whole line.
template <class S = float>
Recipe<S> text_rpgan(const TextRecipeOptions& o) {
  TextNetworkOptions network = rival::internal::text_network_of(o, 64);
  constexpr Index seen = 8;  // places more that a block sees, by two convolutions of 5
  network.blocks = std::clamp<Index>((o.length + seen - 2) / seen, 2, 5);
  network.latent = 64;
  const Random random(o.seed);
  const Schedule fall = over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); });
  const AdamOptions adam{.learning_rate = 2e-3, .beta1 = 0, .beta2 = 0.99, .schedule = fall};
  return {text_generator<S>(random.stream("generator"), network, {.gumbel = true, .straight_through = true}),
          text_critic<S>(random.stream("critic"), network),
          {.loss = relativistic_pairing<S>(),
           .batch = o.batch,
           .penalties = {r1(0.1), r2(0.1)},
           .labels = o.classes > 0 ? LabelSource::data : LabelSource::none,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .average = MovingAverageOptions{.half_life = 500.0 * static_cast<double>(o.batch)},
           .seed = o.seed}};
}

}  // namespace recipes

}  // namespace rival
