#pragma once
// make_classifier: a network for pictures or for rows of numbers, ready to be trained.

#include <algorithm>
#include <utility>

#include "rival/core/random.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/nn/initialise.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

namespace internal {

template <class S>
void add_norm_and_relu(Sequential<S>& layers, Index size) {
  layers.add(BatchNorm<S>({.features = size})).add(ReLU<S>());
}

template <class S>
void add_normed_dense(Sequential<S>& layers, Index in, Index out) {
  layers.add(Dense<S>({.in = in, .out = out, .bias = false}));
  add_norm_and_relu(layers, out);
}

template <class S>
void add_normed_convolution(Sequential<S>& layers, const Conv2dOptions& options) {
  layers.add(Conv2d<S>(options));
  add_norm_and_relu(layers, options.out);
}

template <class S>
Sequential<S> classifier_convolutions(const Shape& sample, Index width) {
  Sequential<S> layers;
  const auto add = [&](Index in, Index out, Index padding) {
    add_normed_convolution(layers, {.in = in, .out = out, .kernel = 3, .padding = padding, .bias = false});
  };
  add(sample[2], width, 1);
  add(width, width, 1);
  Index channels = width;
  for (Index side = std::min(sample[0], sample[1]); side >= 8; side /= 2) {
    const Index out = std::min(2 * channels, 4 * width);
    add_normed_convolution(layers, {.in = channels, .out = out, .kernel = 4, .stride = 2, .padding = 1, .bias = false});
    add(out, out, 1);
    // The last one looks at the middle alone: digits and things seldom reach the edge.
    add(out, out, side >= 16 ? 1 : 0);
    channels = out;
  }
  return layers;
}

}  // namespace internal

/// A classifier with He's weights. For pictures {H, W, C}: 3x3 convolutions in pairs, and 4x4 ones of stride 2 between
/// them, which halve height and width until there are fewer than 8, twice as many channels each time, from `width` up
/// to four times as many; then 64 features and the logits. Batch norm and ReLU behind each. For rows {D}: two dense
/// layers in their place. Throws Error for samples of other kinds.
template <class S = float>
Classifier<S> make_classifier(const Shape& sample, Index classes, Index width, const Random& random) {
  require(sample.rank() == 1 || sample.rank() == 3, "expected pictures H x W x C or rows of numbers, got samples of ",
          sample);
  require(width >= 1, "make_classifier: expected a width of at least 1, got ", width);
  constexpr Index features = 64;
  Sequential<S> layers;
  if (sample.rank() == 1)
    internal::add_normed_dense(layers, sample[0], 16 * width);
  else
    layers = internal::classifier_convolutions<S>(sample, width);
  layers.add(Flatten<S>()).add(Dropout<S>({.rate = 0.25}));
  internal::add_normed_dense(layers, layers.output_shape(sample).size(), features);
  layers.add(Dense<S>({.in = features, .out = classes}));
  Classifier<S> classifier(sample, std::move(layers));
  classifier.initialise(he<S>(), random);
  return classifier;
}

}  // namespace rival
