// Every header of the library, and every layer, recipe, penalty and optimiser: the compiler can only warn of code that
// it makes. Nothing here is run.
#include "every_header.hpp"

namespace {

/// The layers that no recipe holds.
template <class S>
rival::Generator<S> other_layers_of_a_generator() {
  using namespace rival;
  return {8,
          Sequential<S>(Basis<S>({.in = 8, .shape = {4, 4, 16}}), InstanceNorm<S>({.features = 16}), BlurUpsample<S>{},
                        PixelNorm<S>{}, Upsample<S>{}, GroupNorm<S>({.groups = 2, .features = 16}), ELU<S>(1.0),
                        Conv2d<S>({.in = 16, .out = 3, .kernel = 3, .padding = 1}), Sigmoid<S>{})};
}

template <class S>
rival::Discriminator<S> other_layers_of_a_discriminator() {
  using namespace rival;
  return {{16, 16, 3},
          Sequential<S>(Augment<S>({.translation = 0.1}), Pack<S>(2),
                        SpectralNorm(Conv2d<S>({.in = 6, .out = 8, .kernel = {3, 5}, .padding = {1, 2}})), SiLU<S>{},
                        SelfAttention<S>({.in = 8}), BlurDownsample<S>{}, LayerNorm<S>({.features = 8}), Softplus<S>{},
                        Residual<S>(Sequential<S>(Conv2d<S>({.in = 8, .out = 8, .kernel = 3, .padding = 1}))),
                        ConcatSkip<S>(Sequential<S>(ReLU<S>{})), AvgPool2d<S>{}, MaxPool2d<S>{}, MinibatchStddev<S>{},
                        Flatten<S>{}, Equalised(Dense<S>({.in = 68, .out = 1})))};
}

template <class S>
void train() {
  rival::Random random(1);
  rival::Generator<S> generator = other_layers_of_a_generator<S>();
  rival::Discriminator<S> discriminator = other_layers_of_a_discriminator<S>();
  generator.initialise(rival::orthogonal<S>(), random);
  discriminator.initialise(rival::he<S>(), random);

  rival::Recipe<S> recipe = rival::find_recipe<S>("wgan-gp").make({});
  rival::AdversarialTrainer<S> trainer(recipe.generator, recipe.discriminator, recipe.options);
  rival::Mnist digits("digits");
  trainer.fit(digits.train(), {.epochs = 1, .on_step = rival::progress_bar()});
  rival::write_png("digits.png", rival::grid(recipe.generator.sample(64, random)));
  rival::write_npy("digits.npy", recipe.generator.sample(64, random));
}

}  // namespace

void everything();

void everything() { train<float>(); }
