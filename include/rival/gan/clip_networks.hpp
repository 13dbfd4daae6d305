#pragma once
// Networks for clips {T, H, W, C}. Each is a plain function: copy it and change it.

#include <utility>

#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/image_networks.hpp"
#include "rival/layers/concat.hpp"
#include "rival/layers/gru.hpp"
#include "rival/layers/permute.hpp"
#include "rival/layers/time_distributed.hpp"
#include "rival/layers/translate.hpp"

namespace rival {

/// How large a network for clips is.
struct ClipNetworkOptions {
  Shape clip = {16, 32, 32, 1};  ///< frames x height x width x channels; height and width are 28, 32 or 64
  Index width = 64;              ///< channels of the layer next to the clip, as ImageNetworkOptions has them
  Index latent = 64;             ///< of a generator
  Index motion = 16;             ///< of the state that makes frames differ, where there is one
};

namespace internal {

/// Throws Error for options out of range; those of images are checked by the networks for images.
inline void check(const ClipNetworkOptions& o) {
  require(o.clip.rank() == 4 && o.clip[1] == o.clip[2] && is_image_size(o.clip[1]),
          "network: expected clips of square frames of 28, 32 or 64 pixels, got ", o.clip);
  require(o.clip[0] >= 1 && o.clip[0] <= 1024 && o.clip[3] >= 1 && o.clip[3] <= 64,
          "network: expected 1 to 1024 frames of 1 to 64 channels, got ", o.clip);
  require(o.motion >= 1 && o.motion <= 4096, "network: expected 1 to 4096 numbers of motion, got ", o.motion);
}

/// A network for images whose channels are those of all frames.
inline ImageNetworkOptions frames_as_channels(const ClipNetworkOptions& o) {
  check(o);
  return {.size = o.clip[1], .channels = o.clip[0] * o.clip[3], .width = o.width, .latent = o.latent};
}
/// A network for single frames.
inline ImageNetworkOptions single_frames(const ClipNetworkOptions& o) {
  check(o);
  return {.size = o.clip[1], .channels = o.clip[3], .width = o.width, .latent = o.latent};
}

/// Adds all layers of another network, with their weights.
template <class S>
void add_all(Sequential<S>& layers, const Sequential<S>& more) {
  for (Index i = 0; i < more.size(); ++i) layers.add(more[i].clone());
}

/// `count` linear maps of the latent vector, the same in each frame: {frames, count}.
template <class S>
Sequential<S> in_each_frame(const ClipNetworkOptions& o, Index count) {
  const Index frames = o.clip[0];
  return Sequential<S>(Dense<S>({.in = o.latent, .out = count}), Reshape<S>({1, 1, count}),
                       Upsample<S>({.factor = {frames, 1}}), Reshape<S>({frames, count}));
}

/// DCGAN's critic, its frames as channels, as layers.
template <class S>
Sequential<S> frames_critic_layers(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions image = frames_as_channels(o);
  Sequential<S> layers(Permute<S>({.order = {1, 2, 0, 3}}), Reshape<S>(image.image()));
  add_all(layers, dcgan_critic<S>(random, image).layers());
  return layers;
}

}  // namespace internal

/// DCGAN's generator (image_networks.hpp), whose image has a channel for each frame, and its channels.
template <class S = float>
Generator<S> frames_generator(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions image = internal::frames_as_channels(o);
  Sequential<S> layers;
  internal::add_all(layers, dcgan_generator<S>(random, image).layers());
  layers.add(Reshape<S>({o.clip[1], o.clip[2], o.clip[0], o.clip[3]})).add(Permute<S>({.order = {2, 0, 1, 3}}));
  return {o.latent, std::move(layers)};
}

/// DCGAN's critic, which sees the frames as channels.
template <class S = float>
Discriminator<S> frames_critic(const Random& random, const ClipNetworkOptions& o) {
  return {o.clip, internal::frames_critic_layers<S>(random, o)};
}

/// After MoCoGAN (Tulyakov, Liu, Yang and Kautz, "MoCoGAN: Decomposing motion and content for video generation", 2018):
/// each frame is drawn by one generator for images, DCGAN's, from content that is the same for all frames and from the
/// state of a GRU, which goes from frame to frame. There content and the GRU's noise are parts of the latent vector;
/// here they are linear maps of all of it, `latent` numbers of content and `motion` a frame of noise.
template <class S = float>
Generator<S> mocogan_generator(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions frame = internal::single_frames(o);
  const Index frames = o.clip[0], hidden = 4 * o.motion;
  Sequential<S> content = internal::in_each_frame<S>(o, o.latent);
  Sequential<S> motion(Dense<S>({.in = o.latent, .out = frames * o.motion}), Reshape<S>({frames, o.motion}),
                       GRU<S>({.in = o.motion, .hidden = hidden}));
  Sequential<S> layers(ConcatSkip<S>(std::move(motion), std::move(content)));
  layers.set_name("latent");
  layers.initialise(glorot<S>(), random);
  ImageNetworkOptions drawn = frame;
  drawn.latent = o.latent + hidden;
  Sequential<S> draw;
  internal::add_all(draw, dcgan_generator<S>(random, drawn).layers());
  layers.add(TimeDistributed<S>(std::move(draw)));
  return {o.latent, std::move(layers)};
}

/// One picture that moves: DCGAN's generator draws it, a GRU that sees the same numbers in each frame leads it from
/// place to place, at most half a frame off, and Translate shows it there. What a clip is of stays the same by
/// construction. For one thing that moves before black and keeps its shape; content is apart from motion as in MoCoGAN,
/// and is moved by a spatial transformer (see translate.hpp) in place of being drawn anew.
template <class S = float>
Generator<S> moving_generator(const Random& random, const ClipNetworkOptions& o) {
  const ImageNetworkOptions picture = internal::single_frames(o);
  const Index hidden = 8 * o.motion;
  Sequential<S> places = internal::in_each_frame<S>(o, o.motion);
  places.add(GRU<S>({.in = o.motion, .hidden = hidden}))
      .add(TimeDistributed<S>(Sequential<S>(Dense<S>({.in = hidden, .out = 2}))))
      .add(Tanh<S>())
      .add(Flatten<S>());
  places.set_name("places");
  places.initialise(glorot<S>(), random);
  Sequential<S> draw;
  internal::add_all(draw, dcgan_generator<S>(random, picture).layers());
  draw.add(Flatten<S>());
  Sequential<S> layers(ConcatSkip<S>(std::move(draw), std::move(places)));
  layers.add(Translate<S>({.clip = o.clip, .reach = static_cast<double>(o.clip[1]) / 2}));
  return {o.latent, std::move(layers)};
}

/// MoCoGAN's two critics as one: the score of a critic that sees the whole clip, its frames as channels, and the mean
/// score of one that sees each frame by itself, added up.
template <class S = float>
Discriminator<S> mocogan_critic(const Random& random, const ClipNetworkOptions& o) {
  ImageNetworkOptions frame = internal::single_frames(o);
  Sequential<S> of_frame;
  internal::add_all(of_frame, dcgan_critic<S>(random.stream("frame"), frame).layers());
  Sequential<S> of_frames(TimeDistributed<S>(std::move(of_frame)), Reshape<S>({o.clip[0], 1, 1}),
                          AvgPool2d<S>({.kernel = {o.clip[0], 1}}), Flatten<S>());
  Sequential<S> layers(Residual<S>(internal::frames_critic_layers<S>(random, o), std::move(of_frames)));
  return {o.clip, std::move(layers)};
}

RIVAL_INSTANTIATE_FUNCTION(frames_generator);
RIVAL_INSTANTIATE_FUNCTION(frames_critic);
RIVAL_INSTANTIATE_FUNCTION(mocogan_generator);
RIVAL_INSTANTIATE_FUNCTION(moving_generator);
RIVAL_INSTANTIATE_FUNCTION(mocogan_critic);

}  // namespace rival
