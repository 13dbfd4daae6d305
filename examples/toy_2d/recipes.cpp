#include "recipes.hpp"

#include <algorithm>
#include <cmath>

namespace {

using namespace rival;

/// Two normal numbers to a point, in units of the data's standard deviation. Six hidden layers, so that the map can
/// bend sharply between the modes.
Generator<> make_generator(const Random& random, int hidden = 6, Index width = 128) {
  Sequential<float> layers;
  for (int k = 0; k < hidden; ++k) {
    layers.add(Dense<>({.in = k == 0 ? 2 : width, .out = width}));
    layers.add(ReLU<>());
  }
  layers.add(Dense<>({.in = width, .out = 2}));
  Generator<> generator(2, std::move(layers));
  generator.initialise(he<>(), random);
  return generator;
}

Discriminator<> make_discriminator(const Random& random) {
  Discriminator<> discriminator(
      {2}, Sequential<float>(Dense<>({.in = 2, .out = 128}), LeakyReLU<>(0.2F), Dense<>({.in = 128, .out = 128}),
                             LeakyReLU<>(0.2F), Dense<>({.in = 128, .out = 128}), LeakyReLU<>(0.2F),
                             Dense<>({.in = 128, .out = 1})));
  discriminator.initialise(he<>(), random);
  return discriminator;
}

/// R1 and R2 of one weight, which falls from `first` to `last` by the same factor at every step: while it is large it
/// keeps the scores smooth, so that samples find their way to the modes; only when it is small can scores change within
/// a mode's width.
std::vector<Penalty> r1_and_r2(double first, double last, long steps) {
  const Schedule fall = [=](long step) {
    return std::pow(last / first, std::min(1.0, static_cast<double>(step) / static_cast<double>(steps)));
  };
  return {r1(first, fall), r2(first, fall)};
}

/// What relativistic and non-saturating training with R1 and R2 share: all but the loss.
ToyRecipe with_r1_and_r2(AdversarialLoss<> loss, long steps, const Random& random) {
  if (steps == 0) steps = 9000;
  // The rate does not fall to nothing: what is off balance at the end would stay so. The average calms what still
  // moves.
  const AdamOptions adam{
      .learning_rate = 2e-3, .beta1 = 0, .beta2 = 0.99, .schedule = cosine({.steps = steps, .floor = 0.15})};
  return {.generator = make_generator(random),
          .discriminator = make_discriminator(random),
          .training = {.loss = std::move(loss),
                       .batch = 512,
                       .penalties = r1_and_r2(0.05, 5e-5, steps),
                       .generator_optimizer = adam,
                       .discriminator_optimizer = adam,
                       .average = MovingAverageOptions{.half_life = 400.0 * 512, .ramp_up = 0.05}},
          .steps = steps};
}

/// The relativistic pairing loss with R1 and R2, penalties and rates annealed (R3GAN; Huang, Gokaslan, Kuleshov and
/// Tompkin, "The GAN is dead; long live the GAN! A modern baseline GAN", 2024).
ToyRecipe rpgan_r1r2(long steps, const Random& random) { return with_r1_and_r2(relativistic_pairing(), steps, random); }

/// The same with the non-saturating loss, which the paper compares it with.
ToyRecipe nsgan_r1r2(long steps, const Random& random) { return with_r1_and_r2(non_saturating(), steps, random); }

/// Both again in a hurry: a smaller generator, batches of 16, high rates and the discriminator's three times the
/// generator's, and no average. Here the loss decides whether modes are lost: docs/toy_2d.md counts them.
ToyRecipe fast_with_r1_and_r2(AdversarialLoss<> loss, long steps, const Random& random) {
  if (steps == 0) steps = 8000;
  const auto adam = [&](double rate) {
    return AdamOptions{
        .learning_rate = rate, .beta1 = 0, .beta2 = 0.99, .schedule = cosine({.steps = steps, .floor = 0.02})};
  };
  return {.generator = make_generator(random, 4, 64),
          .discriminator = make_discriminator(random),
          .training = {.loss = std::move(loss),
                       .batch = 16,
                       .penalties = r1_and_r2(3e-3, 3e-4, steps),
                       .generator_optimizer = adam(5.5e-3),
                       .discriminator_optimizer = adam(1.65e-2)},
          .steps = steps};
}

ToyRecipe rpgan_r1r2_fast(long steps, const Random& random) {
  return fast_with_r1_and_r2(relativistic_pairing(), steps, random);
}

ToyRecipe nsgan_r1r2_fast(long steps, const Random& random) {
  return fast_with_r1_and_r2(non_saturating(), steps, random);
}

/// The first GAN (Goodfellow et al., "Generative adversarial nets", 2014) with Adam as PacGAN's baseline has it.
ToyRecipe gan(long steps, const Random& random) {
  if (steps == 0) steps = 20000;
  const AdamOptions adam{.learning_rate = 1e-4, .beta1 = 0.8};
  return {.generator = make_generator(random),
          .discriminator = make_discriminator(random),
          .training = {.loss = non_saturating(),
                       .batch = 100,
                       .generator_optimizer = adam,
                       .discriminator_optimizer = adam},
          .steps = steps};
}

/// The Wasserstein GAN with gradient penalty (Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of
/// Wasserstein GANs", 2017); its weight is the 0.1 that the authors' code has for points in the plane.
ToyRecipe wgan_gp_recipe(long steps, const Random& random) {
  if (steps == 0) steps = 8000;
  const AdamOptions adam{.learning_rate = 1e-3, .beta1 = 0.5, .beta2 = 0.9, .schedule = cosine({.steps = steps})};
  return {.generator = make_generator(random),
          .discriminator = make_discriminator(random),
          .training = {.loss = wasserstein(),
                       .batch = 256,
                       .penalties = {wgan_gp(0.1)},
                       .discriminator_steps = 5,
                       .generator_optimizer = adam,
                       .discriminator_optimizer = adam},
          .steps = steps};
}

}  // namespace

const std::map<std::string, MakeRecipe>& recipes() {
  static const std::map<std::string, MakeRecipe> all{{"gan", gan},
                                                     {"nsgan-r1r2", nsgan_r1r2},
                                                     {"nsgan-r1r2-fast", nsgan_r1r2_fast},
                                                     {"rpgan-r1r2", rpgan_r1r2},
                                                     {"rpgan-r1r2-fast", rpgan_r1r2_fast},
                                                     {"wgan-gp", wgan_gp_recipe}};
  return all;
}

Generator<> in_the_plane(const Generator<>& generator, double unit) {
  Generator<> scaled = generator;
  auto& last = dynamic_cast<Dense<>&>(scaled.layers()[scaled.layers().size() - 1]);
  for (Parameter<float>* parameter : {&last.weight(), &last.bias()})
    parameter->value.array() *= static_cast<float>(unit);
  return scaled;
}
