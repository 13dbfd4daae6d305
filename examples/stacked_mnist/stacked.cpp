#include "stacked.hpp"

#include <algorithm>
#include <array>

#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/loss/relativistic.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/metrics/kl_to_law.hpp"

namespace {

constexpr rival::Index pixels = 28 * 28, channels = 3;

}  // namespace

rival::Dataset stack_digits(const rival::Dataset& digits, rival::Index count, rival::Random random) {
  rival::require(digits.sample_shape() == rival::Shape{28, 28, 1} && digits.classes() == 10 && digits.size() > 0,
                 "stacked_mnist: expected digits of 28x28x1 with ten classes, got ", digits.sample_shape(), " with ",
                 digits.classes());
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count * pixels * channels));
  std::vector<rival::Label> kinds(static_cast<std::size_t>(count));
  rival::Tensor<double> drawn({channels});
  for (rival::Index i = 0; i < count; ++i) {
    random.fill_uniform(drawn, 0.0, static_cast<double>(digits.size()));
    rival::Index kind = 0;
    for (rival::Index c = 0; c < channels; ++c) {
      const rival::Index which = std::min(digits.size() - 1, static_cast<rival::Index>(drawn[c]));
      const auto from = digits.values<std::uint8_t>(which);
      for (rival::Index p = 0; p < pixels; ++p)
        bytes[static_cast<std::size_t>((i * pixels + p) * channels + c)] = from[static_cast<std::size_t>(p)];
      kind = 10 * kind + digits.label(which);
    }
    kinds[static_cast<std::size_t>(i)] = static_cast<rival::Label>(kind);
  }
  return {{28, 28, channels}, std::move(bytes), std::move(kinds), stacked_kinds};
}

StackedCounts count_stacked(const rival::Classifier<>& classifier, const rival::Tensor<float>& images,
                            const std::vector<rival::Index>& law) {
  const rival::Index count = images.dim(0);
  std::vector<rival::Label> kinds(static_cast<std::size_t>(count));
  rival::Tensor<float> digits({count, 28, 28, 1});
  for (rival::Index c = 0; c < channels; ++c) {
    for (rival::Index i = 0; i < digits.size(); ++i) digits[i] = images[i * channels + c];
    const auto read = rival::predicted_classes(classifier.logits(digits));
    for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = static_cast<rival::Label>(10 * kinds[i] + read[i]);
  }
  const auto counts = rival::class_counts(kinds, stacked_kinds);
  const auto modes = std::count_if(counts.begin(), counts.end(), [](rival::Index n) { return n > 0; });
  return {count, modes, rival::kl_to_law(counts, law)};
}

rival::Recipe<> stacked_recipe(rival::Index width, rival::Index batch, std::uint64_t seed) {
  using namespace rival;
  const Random random(seed);
  const Index latent = 64, w = width;
  Generator<> generator(
      latent,
      Sequential<>(
          Reshape<>({1, 1, latent}), ConvTranspose2d<>({.in = latent, .out = 2 * w, .kernel = 4, .bias = false}),
          BatchNorm<>({.features = 2 * w}), ReLU<>(),
          ConvTranspose2d<>({.in = 2 * w, .out = w, .kernel = 3, .stride = 2, .padding = 1, .bias = false}),
          BatchNorm<>({.features = w}), ReLU<>(),
          ConvTranspose2d<>({.in = w, .out = w / 2, .kernel = 4, .stride = 2, .padding = 1, .bias = false}),
          BatchNorm<>({.features = w / 2}), ReLU<>(),
          ConvTranspose2d<>({.in = w / 2, .out = channels, .kernel = 4, .stride = 2, .padding = 1, .bias = false}),
          Tanh<>()));
  generator.initialise(normal<float>(0, 0.02), random);
  Discriminator<> discriminator(
      {28, 28, channels},
      Sequential<>(Conv2d<>({.in = channels, .out = w / 4, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<>(0.2),
                   Conv2d<>({.in = w / 4, .out = w / 2, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<>(0.2),
                   Conv2d<>({.in = w / 2, .out = w, .kernel = 4, .stride = 2, .padding = 1}), LeakyReLU<>(0.2),
                   Conv2d<>({.in = w, .out = 1, .kernel = 3}), Flatten<>()));
  discriminator.initialise(he<float>(0.2), random);
  const Schedule fall = over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); });
  const AdamOptions adam{.learning_rate = 1e-3, .beta1 = 0.5, .beta2 = 0.99, .schedule = fall};
  return {std::move(generator),
          std::move(discriminator),
          {.loss = relativistic_pairing<float>(),
           .batch = batch,
           .penalties = {r1(0.1), r2(0.1)},
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .average = MovingAverageOptions{.half_life = 20'000},
           .seed = seed}};
}
