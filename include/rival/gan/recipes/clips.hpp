#pragma once
// Recipes for clips.

#include <algorithm>
#include <cstdint>

#include "rival/gan/clip_networks.hpp"
#include "rival/gan/recipes/recipe.hpp"
#include "rival/gan/recipes/rpgan.hpp"

namespace rival {

/// What a recipe for clips is told.
struct ClipRecipeOptions {
  Shape clip = {16, 32, 32, 1};  ///< of square frames of 28, 32 or 64 pixels
  Index batch = 16;              ///< clips in a training step
  std::uint64_t seed = 0;        ///< of the weights and of the training
  Index width = 0;               ///< channels of the layers next to the clip; 0: the recipe's own
};

namespace internal {

/// The networks' sizes; `own` is the width unless the options give one.
inline ClipNetworkOptions clip_network(const ClipRecipeOptions& o, Index own) {
  require(o.batch >= 1, "recipe: expected a batch of at least 1, got ", o.batch);
  require(o.width >= 0 && o.width <= 4096, "recipe: expected a width from 0 to 4096, got ", o.width);
  return {.clip = o.clip, .width = o.width > 0 ? o.width : own};
}

/// What `generator` makes against MoCoGAN's critics of half its width, trained as rpgan is.
template <class S>
Recipe<S> against_mocogan_critic(Generator<S> (*generator)(const Random&, const ClipNetworkOptions&),
                                 const ClipRecipeOptions& o) {
  const Random random(o.seed);
  const ClipNetworkOptions network = clip_network(o, 32);
  ClipNetworkOptions critic = network;
  critic.width = std::max<Index>(1, network.width / 2);
  return {generator(random, network), mocogan_critic<S>(random, critic), rpgan_training<S>(1e-3, o.batch, o.seed)};
}

}  // namespace internal

namespace recipes {

/// Frames as channels: rpgan's networks and training (rpgan.hpp), for images with a channel for each frame.
template <class S = float>
Recipe<S> frames_gan(const ClipRecipeOptions& o) {
  const Random random(o.seed);
  const ClipNetworkOptions network = rival::internal::clip_network(o, 32);
  return {frames_generator<S>(random, network), frames_critic<S>(random, network),
          rival::internal::rpgan_training<S>(1e-3, o.batch, o.seed)};
}

/// MoCoGAN's networks (clip_networks.hpp), trained as rpgan is; the paper has the standard loss and no penalties.
template <class S = float>
Recipe<S> mocogan(const ClipRecipeOptions& o) {
  return rival::internal::against_mocogan_critic<S>(mocogan_generator<S>, o);
}

/// One picture that moves (`moving_generator`) against MoCoGAN's critics, trained as rpgan is: for clips of one thing
/// before black, such as `moving_digits`.
template <class S = float>
Recipe<S> moving_gan(const ClipRecipeOptions& o) {
  return rival::internal::against_mocogan_critic<S>(moving_generator<S>, o);
}

RIVAL_INSTANTIATE_FUNCTION(moving_gan);
RIVAL_INSTANTIATE_FUNCTION(frames_gan);
RIVAL_INSTANTIATE_FUNCTION(mocogan);

}  // namespace recipes

}  // namespace rival
