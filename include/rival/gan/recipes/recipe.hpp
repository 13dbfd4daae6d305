#pragma once
// Recipe: two networks for grey images of 28 x 28, and how a paper says to train them.

#include <optional>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/trainer_options.hpp"
#include "rival/optim/moving_average.hpp"

namespace rival {

/// What a recipe is told.
struct RecipeOptions {
  Index classes = 10;  ///< of the labels, for the recipes that use them
  /// Real images of the whole run, for the recipes that change something on the way.
  long images = 60'000;
  Index batch = 64;
  std::uint64_t seed = 0;
};

/// What a recipe gives. The trainer takes it from here:
///
///   auto recipe = recipes::wgan_gp({.seed = 7});
///   AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
template <class S = float>
struct Recipe {
  Generator<S> generator;
  Discriminator<S> discriminator;
  TrainerOptions<S> options;
  /// Whether one samples from an average of the generator, and which.
  std::optional<MovingAverageOptions> average = {};
};

}  // namespace rival
