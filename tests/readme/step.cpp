// What stands around the step that README shows.
#include <rival/rival.hpp>

int main() {
  const rival::Random random(7);
  auto generator = rival::dense_generator(random);
  auto discriminator = rival::dense_discriminator(random);
  rival::Adam<> adam(generator.parameters());
  const rival::Tensor<> images({4, 28, 28, 1}, 0.5f);
  rival::Tensor<> z({4, 100});
  for (rival::Index i = 0; i < z.size(); ++i) z.data()[i] = static_cast<float>(i % 7) - 3;
  rival::Trace<> real, fake, latent;
  const auto& drawn = generator.forward(z, latent);
  const auto generator_loss = rival::bce_with_logits(discriminator.forward(drawn, fake), 1.0f);
  const rival::Tensor<> before = generator.parameters()[0]->value;

#include "step.inc"

  return loss.value > 0 && (before.array() != generator.parameters()[0]->value.array()).any() ? 0 : 1;
}
