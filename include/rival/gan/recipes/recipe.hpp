#pragma once
// Recipe: two networks for images, and how a paper says to train them.

#include <algorithm>
#include <cstdint>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/image_networks.hpp"
#include "rival/gan/trainer_options.hpp"

/// \namespace rival::recipes
/// Functions that make a recipe each, by the name of the paper's network: see rival::Recipe.

namespace rival {

/// What a recipe is told.
struct RecipeOptions {
  Index classes = 10;      ///< of the labels, for the recipes that use them
  Index batch = 64;        ///< images in a training step
  std::uint64_t seed = 0;  ///< of the weights and of the training
  /// Of one image: 28, 32 or 64 pixels square, grey or in colour.
  Shape image = {28, 28, 1};
  /// Channels of the generator's layer next to the image, and the discriminator's in proportion; 0: the recipe's own.
  /// Fully connected networks have none.
  Index width = 0;
};

/// What a recipe gives. The trainer takes it from here:
///
///     auto recipe = recipes::wgan_gp({.seed = 7});
///     AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
///     trainer.fit(data, {.epochs = 5});
///     const auto samples = trainer.averaged_generator().sample(64, random);
template <class S = float>
struct Recipe {
  Generator<S> generator;          ///< with its weights drawn
  Discriminator<S> discriminator;  ///< for the generator's samples, with its weights drawn
  TrainerOptions<S> options;       ///< loss, penalties, optimisers and what else the trainer is told
};

namespace internal {

/// What every recipe asks of its options first. Throws Error for those out of range.
inline void check(const RecipeOptions& o) {
  require(o.classes >= 1, "recipe: expected at least 1 class, got ", o.classes);
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
  const Shape& image = o.image;
  require(image.rank() == 3 && image[0] == image[1] && is_image_size(image[0]),
          "recipe: expected square images of 28, 32 or 64 pixels, got ", image);
  require(image[2] >= 1 && image[2] <= 4096, "recipe: expected images of 1 to 4096 channels, got ", image);
  require(o.width >= 0 && o.width <= 4096, "recipe: expected a width from 0 to 4096, got ", o.width);
}

/// A network's size. `own` is the recipe's width of it, and `generator` that of the generator, which o.width is for.
inline ImageNetworkOptions network_of(const RecipeOptions& o, Index own, Index generator) {
  ImageNetworkOptions network{.size = o.image[0], .channels = o.image[2], .width = own};
  if (o.width > 0) network.width = std::max<Index>(1, o.width * own / generator);
  return network;
}
inline ImageNetworkOptions network_of(const RecipeOptions& o, Index own) { return network_of(o, own, own); }

}  // namespace internal

}  // namespace rival
