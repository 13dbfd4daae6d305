#pragma once
// Recipe: two networks for grey images of 28 x 28, and how a paper says to train them.

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/trainer_options.hpp"

namespace rival {

/// What a recipe is told.
struct RecipeOptions {
  Index classes = 10;  ///< of the labels, for the recipes that use them
  Index batch = 64;
  std::uint64_t seed = 0;
};

/// What a recipe gives. The trainer takes it from here:
///
///   auto recipe = recipes::wgan_gp({.seed = 7});
///   AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
///   trainer.fit(data, {.epochs = 5});
///   const auto samples = trainer.averaged_generator().sample(64, random);
template <class S = float>
struct Recipe {
  Generator<S> generator;
  Discriminator<S> discriminator;
  TrainerOptions<S> options;
};

namespace internal {

/// What every recipe asks of its options first. Throws Error for those out of range.
inline void check(const RecipeOptions& o) {
  require(o.classes >= 1, "recipe: expected at least 1 class, got ", o.classes);
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
}

}  // namespace internal

}  // namespace rival
