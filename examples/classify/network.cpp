#include "network.hpp"

#include <algorithm>
#include <utility>

#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"

using namespace rival;

namespace {

constexpr Index features = 64;

void add_norm(Sequential<>& layers, Index size) { layers.add(BatchNorm<>({.features = size})).add(ReLU<>()); }

void add_dense(Sequential<>& layers, Index in, Index out) {
  layers.add(Dense<>({.in = in, .out = out, .bias = false}));
  add_norm(layers, out);
}

void add_convolution(Sequential<>& layers, Index in, const Conv2dOptions& options) {
  Conv2dOptions all = options;
  all.in = in, all.bias = false;
  layers.add(Conv2d<>(all));
  add_norm(layers, options.out);
}

Sequential<> convolutions(const Shape& sample, Index width) {
  Sequential<> layers;
  add_convolution(layers, sample[2], {.out = width, .kernel = 3, .padding = 1});
  add_convolution(layers, width, {.out = width, .kernel = 3, .padding = 1});
  Index channels = width;
  for (Index side = std::min(sample[0], sample[1]); side >= 8; side /= 2) {
    const Index out = std::min(2 * channels, 4 * width);
    add_convolution(layers, channels, {.out = out, .kernel = 4, .stride = 2, .padding = 1});
    add_convolution(layers, out, {.out = out, .kernel = 3, .padding = 1});
    // The last one looks at the middle alone: digits and things seldom reach the edge.
    add_convolution(layers, out, {.out = out, .kernel = 3, .padding = side >= 16 ? 1 : 0});
    channels = out;
  }
  return layers;
}

}  // namespace

Classifier<> make_classifier(const Shape& sample, Index classes, Index width, const Random& random) {
  require(sample.rank() == 1 || sample.rank() == 3, "expected pictures H x W x C or rows of numbers, got samples of ",
          sample);
  Sequential<> layers;
  if (sample.rank() == 1)
    add_dense(layers, sample[0], 16 * width);
  else
    layers = convolutions(sample, width);
  layers.add(Flatten<>()).add(Dropout<>({.rate = 0.25}));
  add_dense(layers, layers.output_shape(sample).size(), features);
  layers.add(Dense<>({.in = features, .out = classes}));
  Classifier<> classifier(sample, std::move(layers));
  classifier.initialise(he<>(), random);
  return classifier;
}
