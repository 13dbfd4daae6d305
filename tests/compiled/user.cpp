// A user's program: it trains for three epochs of 64 pictures, or as many as it is told, and prints a checksum of the
// weights.
#include <cstdio>
#include <cstdlib>

#include "rival/core/checksum.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/rpgan.hpp"
#include "rival/gan/trainer.hpp"

int main(int count, char** arguments) {
  rival::Random random(3);
  rival::Tensor<float> drawn({64 * 28 * 28});
  random.fill_uniform(drawn, -1.0f, 1.0f);
  const rival::Dataset images({28, 28, 1}, std::vector<float>(drawn.data(), drawn.data() + drawn.size()));
  auto recipe = rival::recipes::rpgan({.batch = 16, .seed = 7});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  trainer.fit(images, {.epochs = count > 1 ? std::atoi(arguments[1]) : 3});
  rival::internal::Checksum checksum;
  for (auto* network :
       {static_cast<rival::Network<>*>(&recipe.generator), static_cast<rival::Network<>*>(&recipe.discriminator)})
    for (const auto* parameter : network->parameters())
      checksum.add(parameter->value.data(), static_cast<std::size_t>(parameter->value.size()) * sizeof(float));
  std::printf("%016llx\n", static_cast<unsigned long long>(checksum.value()));
}
