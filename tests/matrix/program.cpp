// What every compiler has to agree on, for scripts/matrix: a short training with first and second derivatives. It
// prints the weights.
#include <cstdio>

#include "rival/rival.hpp"

int main() {
  rival::Generator<> generator(
      8, rival::Sequential<>(
             rival::Dense({.in = 8, .out = 4 * 4 * 8}), rival::Reshape({4, 4, 8}), rival::BatchNorm({.features = 8}),
             rival::ReLU(), rival::ConvTranspose2d({.in = 8, .out = 4, .kernel = 4, .stride = 2, .padding = 1}),
             rival::ReLU(), rival::Conv2d({.in = 4, .out = 1, .kernel = 3, .padding = 1}), rival::Tanh()));
  rival::Discriminator<> discriminator(
      {8, 8, 1},
      rival::Sequential<>(rival::Conv2d({.in = 1, .out = 8, .kernel = 4, .stride = 2, .padding = 1}), rival::SiLU(),
                          rival::Conv2d({.in = 8, .out = 8, .kernel = 3, .padding = 1}), rival::LeakyReLU(0.2),
                          rival::Flatten{}, rival::Dense({.in = 4 * 4 * 8, .out = 1})));
  const rival::Random random(5);
  generator.initialise(rival::glorot(), random);
  discriminator.initialise(rival::glorot(), random);
  rival::AdversarialTrainer<> trainer(
      generator, discriminator,
      {.loss = rival::relativistic_pairing(), .batch = 16, .penalties = {rival::r1(0.1), rival::r2(0.1)}, .seed = 5});
  rival::Tensor<float> images({16, 8, 8, 1});
  rival::Random data(7);
  for (int step = 0; step < 5; ++step) {
    data.fill_uniform(images, -1.0f, 1.0f);
    trainer.step(images);
  }
  for (rival::Network<>* network :
       {static_cast<rival::Network<>*>(&generator), static_cast<rival::Network<>*>(&discriminator)})
    for (const rival::Parameter<>* parameter : network->parameters())
      for (rival::Index i = 0; i < parameter->value.size(); ++i)
        std::printf("%.9g\n", static_cast<double>(parameter->value[i]));
}
