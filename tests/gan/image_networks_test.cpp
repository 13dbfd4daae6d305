#include "rival/gan/image_networks.hpp"

#include <cmath>

#include "catch.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;

namespace {

Index numbers(Network<>& network) {
  Index count = 0;
  for (const auto* parameter : network.parameters()) count += parameter->value.size();
  return count;
}

}  // namespace

TEST_CASE("image networks: DCGAN at 64 pixels has the parameters of PyTorch's tutorial") {
  auto generator = dcgan_generator<>(Random(1), {});
  auto discriminator = dcgan_discriminator<>(Random(1), {});
  // As its printed modules add up: convolutions without biases, batch norms of two numbers a channel.
  CHECK(numbers(generator) ==
        100 * 512 * 16 + 512 * 256 * 16 + 256 * 128 * 16 + 128 * 64 * 16 + 64 * 3 * 16 + 2 * (512 + 256 + 128 + 64));
  CHECK(numbers(generator) == 3'576'704);
  CHECK(numbers(discriminator) == 2'765'568);
  CHECK(generator.output_shape() == Shape({64, 64, 3}));
}

TEST_CASE("image networks: residual networks have the layers of SNGAN's tables for CIFAR-10") {
  // 4 x 4 x 256, three blocks up; of two 3x3 convolutions and a 1x1 one each, batch norms in front of the former.
  const Index block = 2 * (9 * 256 * 256 + 256) + 256 * 256 + 256 + 2 * 512;
  auto generator = resnet_generator<>(Random(1), {.size = 32, .width = 256, .latent = 128});
  CHECK(numbers(generator) == 128 * 4096 + 4096 + 3 * block + 512 + 9 * 256 * 3 + 3);
  // Four blocks of 128, of which the first two halve, and have a 1x1 convolution beside.
  auto discriminator = resnet_discriminator<>(Random(1), {.size = 32, .width = 128}, true);
  const Index conv = 9 * 128 * 128 + 128, beside = 128 * 128 + 128;
  CHECK(numbers(discriminator) == (9 * 3 * 128 + 128) + conv + (3 * 128 + 128) + 2 * conv + beside + 4 * conv + 129);
}

TEST_CASE("image networks: every recipe makes images of every size, grey and in colour") {
  for (const auto& named : named_recipes<float>())
    for (const Index size : {28, 32, 64})
      for (const Index channels : {1, 3}) {
        INFO(named.name << ", " << size << " pixels, " << channels << " channels");
        const Shape image{size, size, channels};
        auto recipe = named.make({.classes = 3, .batch = 4, .seed = 2, .image = image, .width = 8});
        CHECK(recipe.generator.output_shape() == image);
        CHECK(recipe.discriminator.input_shape() == image);
        if (size == 64 && channels == 1) continue;
        Tensor<> real(image.batch(4));
        Random(5).fill_uniform(real, -1.0f, 1.0f);
        recipe.options.steps = 10;
        AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
        const std::vector<Label> labels{0, 1, 2, 0};
        const StepReport report =
            recipe.options.labels == LabelSource::data ? trainer.step(real, labels) : trainer.step(real);
        CHECK(std::isfinite(report.discriminator_loss + report.generator_loss + report.penalty));
      }
}

TEST_CASE("image networks: a recipe's width is the generator's, and the discriminator's in proportion") {
  const auto usual = recipes::rpgan<float>({.image = {32, 32, 3}}),
             wide = recipes::rpgan<float>({.image = {32, 32, 3}, .width = 64});
  const auto first = [](auto recipe) { return recipe.discriminator.parameters()[0]->value.shape(); };
  const auto last = [](auto recipe) { return recipe.generator.parameters().back()->value.shape(); };
  CHECK(first(usual).size() == 4 * 4 * 3 * 16);
  CHECK(first(wide).size() == 4 * 4 * 3 * 32);
  CHECK(last(usual).size() == 4 * 4 * 3 * 32);
  CHECK(last(wide).size() == 4 * 4 * 3 * 64);
}

TEST_CASE("image networks: what they cannot be is refused by name") {
  CHECK_THROWS_WITH(dcgan_generator<>(Random(1), {.size = 48}),
                    "network: expected images of 28, 32 or 64 pixels, got 48");
  CHECK_THROWS_WITH(
      dcgan_critic<>(Random(1), {.channels = 0}),
      "network: expected at least 1 channel, a width of at least 1, at least 1 latent number and 0 classes, "
      "got 0, 64, 100 and 0");
  CHECK_THROWS_WITH(resnet_generator<>(Random(1), {.width = Index{1} << 61}),
                    Catch::Matchers::StartsWith("network: expected at most 65536 channels, width, latent numbers"));
  for (const auto& named : named_recipes<float>()) {
    INFO(named.name);
    CHECK_THROWS_WITH(named.make({.image = {32, 32, 0}}), "recipe: expected images of 1 to 4096 channels, got 32x32x0");
    CHECK_THROWS_WITH(named.make({.image = {32, 28, 1}}),
                      "recipe: expected square images of 28, 32 or 64 pixels, got 32x28x1");
    CHECK_THROWS_WITH(named.make({.width = -1}), "recipe: expected a width from 0 to 4096, got -1");
  }
  CHECK_THROWS_WITH(recipes::r3gan<float>({.width = 12}), "recipe: r3gan expects a width of a multiple of 8, got 12");
}
