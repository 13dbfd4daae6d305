#pragma once
// The recipe for a classifier that learns from few labels, and from a generator.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "rival/gan/latent_law.hpp"
#include "rival/gan/recipes/recipe.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/gaussian_noise.hpp"
#include "rival/layers/log_sum_exp.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/weight_norm.hpp"
#include "rival/train/classifier.hpp"

namespace rival {

namespace internal {

/// Sets lengths and biases of the weight norms around dense layers, from the first to the last, so that on these
/// samples every output has mean 0 and deviation 1.
template <class S>
void normalise_outputs(Sequential<S>& layers, const Tensor<S>& samples) {
  std::vector<Trace<S>> traces(static_cast<std::size_t>(layers.size()));
  const Tensor<S>* x = &samples;
  for (Index i = 0; i < layers.size(); ++i) {
    if (auto* dense = dynamic_cast<WeightNorm<Dense<S>>*>(&layers[i])) dense->normalise_outputs(*x);
    x = &layers[i].forward(*x, traces[static_cast<std::size_t>(i)], {});
  }
}

}  // namespace internal

/// The classifier within a discriminator that ends in LogSumExp: its layers but that one, copied. Throws Error for
/// another discriminator.
template <class S>
Classifier<S> classifier_within(const Discriminator<S>& discriminator) {
  const Sequential<S>& all = discriminator.layers();
  const bool fits = all.size() > 0 && all[all.size() - 1].kind() == "log_sum_exp";
  require(fits, "discriminator \"", discriminator.name(), "\": expected log_sum_exp as its last layer, behind a ",
          "classifier's logits");
  Sequential<S> layers;
  for (Index i = 0; i + 1 < all.size(); ++i) layers.add(all[i].clone());
  return Classifier<S>(discriminator.input_shape(), std::move(layers));
}

namespace recipes {

/// Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, "Improved techniques for training GANs", 2016, section 5.1,
/// as their program for MNIST has it: a discriminator that is a classifier with one further class, "generated", in
/// front of each of whose dense layers there is noise; weight norm in it, set by a batch of labelled samples at first;
/// a generator that matches the mean features of its last hidden layer; Adam with 3e-3, constant for two thirds of the
/// run, then falling to 0. The labelled samples weigh twice as much as the others. Samples go from 0 to 1: what is 0
/// moves no weight, as most of a digit's pixels are.
///
///   auto recipe = recipes::semi_supervised({.batch = 100, .seed = 7}, labelled);
///   AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
///   trainer.fit(unlabelled, {.epochs = 100});
///   const auto errors = evaluate(classifier_within(recipe.discriminator), test);
template <class S = float>
Recipe<S> semi_supervised(const RecipeOptions& o, const Dataset& labelled) {
  rival::internal::check(o);
  require(labelled.has_labels() && labelled.sample_shape() == o.image, "semi_supervised: expected labelled samples of ",
          o.image, ", got samples of ", labelled.sample_shape(), labelled.has_labels() ? "" : " without labels");
  const Random random(o.seed);
  const Index pixels = o.image.size(), latent = 100, classes = labelled.classes();
  const Index width = o.width > 0 ? o.width : 1000, half = std::max<Index>(1, width / 2),
              quarter = std::max<Index>(1, width / 4);
  Sequential<S> made(Dense<S>({.in = latent, .out = half, .bias = false}), BatchNorm<S>({.features = half}),
                     Softplus<S>(), Dense<S>({.in = half, .out = half, .bias = false}),
                     BatchNorm<S>({.features = half}), Softplus<S>(), WeightNorm(Dense<S>({.in = half, .out = pixels})),
                     Sigmoid<S>(), Reshape<S>(o.image));
  Generator<S> generator(latent, std::move(made));
  generator.initialise(glorot<S>(), random);

  Sequential<S> layers(Flatten<S>(), GaussianNoise<S>({.sigma = 0.3}));
  Index in = pixels;
  for (const Index out : {width, half, quarter, quarter, quarter}) {
    layers.add(WeightNorm(Dense<S>({.in = in, .out = out}), {.learn_lengths = false}))
        .add(ReLU<S>())
        .add(GaussianNoise<S>({.sigma = 0.5}));
    in = out;
  }
  const Index features = layers.size() - 1;  // before the last noise
  layers.add(WeightNorm(Dense<S>({.in = in, .out = classes}))).add(LogSumExp<S>());
  Discriminator<S> discriminator(o.image, std::move(layers), "D", classes);
  discriminator.initialise(normal<S>(0, 0.1), random);
  std::vector<Index> first(static_cast<std::size_t>(std::min<Index>(labelled.size(), 500)));
  std::iota(first.begin(), first.end(), Index{0});
  Tensor<S> samples;
  labelled.gather(first, samples);
  require(samples.array().minCoeff() >= S(0) && samples.array().maxCoeff() <= S(1),
          "semi_supervised: expected samples from 0 to 1, got numbers from ", samples.array().minCoeff(), " to ",
          samples.array().maxCoeff(), "; bytes become such by Transform{255}");
  rival::internal::normalise_outputs(discriminator.layers(), samples);

  const AdamOptions adam{
      .learning_rate = 3e-3, .beta1 = 0.5, .schedule = over_run([](long steps) {
                                             return linear_decay({.steps = steps, .start = 2 * (steps / 3)});
                                           })};
  return {std::move(generator),
          std::move(discriminator),
          {.batch = o.batch,
           .auxiliary = classification<S>(2),
           .labelled = LabelledSamples{labelled, std::min(o.batch, labelled.size())},
           .feature_matching = features,
           .draw_latent = LatentLaw<S>(latent),
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

}  // namespace recipes

}  // namespace rival
