#include "rival/gan/clip_networks.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "rival/gan/recipes/clips.hpp"
#include "rival/gan/trainer.hpp"

using namespace rival;

namespace {

const ClipNetworkOptions small{.clip = {5, 28, 28, 3}, .width = 4, .latent = 6, .motion = 3};

Tensor<> noise(const Shape& shape) {
  Tensor<> values(shape);
  Random(7).fill_uniform(values, -1.0f, 1.0f);
  return values;
}

}  // namespace

TEST_CASE("clip networks: generators make clips, critics score them") {
  const Random random(1);
  for (const auto& generator :
       {frames_generator<>(random, small), mocogan_generator<>(random, small), moving_generator<>(random, small)}) {
    CHECK(generator.output_shape() == small.clip);
    CHECK(generator.sample(noise({2, 6})).shape() == Shape{2, 5, 28, 28, 3});
  }
  CHECK(frames_critic<>(random, small).input_shape() == small.clip);
  CHECK(mocogan_critic<>(random, small).input_shape() == small.clip);
}

TEST_CASE("clip networks: frames as channels are the image networks, their frames in order") {
  const Random random(1);
  const ImageNetworkOptions image{.size = 28, .channels = 15, .width = 4, .latent = 6};
  const Tensor<> latent = noise({2, 6});
  const Tensor<> clips = frames_generator<>(random, small).sample(latent),
                 images = dcgan_generator<>(random, image).sample(latent);
  for (Index n = 0; n < 2; ++n)
    for (Index t = 0; t < 5; ++t)
      for (Index y = 0; y < 28; ++y)
        for (Index x = 0; x < 28; ++x)
          for (Index c = 0; c < 3; ++c) REQUIRE(clips(n, t, y, x, c) == images(n, y, x, 3 * t + c));
  Trace<> of_clips, of_images;
  const Tensor<> a = frames_critic<>(random, small).infer(clips, of_clips),
                 b = dcgan_critic<>(random, image).infer(images, of_images);
  for (Index n = 0; n < 2; ++n) CHECK(a[n] == b[n]);
}

TEST_CASE("clip networks: MoCoGAN's frames share their content, and differ by the state alone") {
  auto generator = mocogan_generator<>(Random(1), small);
  const Tensor<> latent = noise({1, 6});
  const auto frames_differ = [&] {
    const Tensor<> clip = generator.sample(latent);
    const Index frame = clip.size() / 5;
    return !std::equal(clip.data(), clip.data() + frame, clip.data() + frame);
  };
  CHECK(frames_differ());
  // Without what the GRU reads of its noise and of its state, and what it adds, the state stays at 0.
  for (auto* parameter : generator.parameters())
    if (parameter->name.find("gru") != std::string::npos) parameter->value.fill(0);
  CHECK(!frames_differ());
}

TEST_CASE("clip networks: one picture moves, the same in all frames") {
  auto generator = moving_generator<>(Random(1), small);
  const ImageNetworkOptions picture{.size = 28, .channels = 3, .width = 4, .latent = 6};
  const Tensor<> latent = noise({1, 6});
  const Tensor<> still = dcgan_generator<>(Random(1), picture).sample(latent);
  const auto shows_it = [&](Index t) {
    const Tensor<> clip = generator.sample(latent);
    return std::equal(still.data(), still.data() + still.size(), clip.data() + t * still.size());
  };
  CHECK(!shows_it(4));
  // Without what the GRU adds, all places are 0.
  for (auto* parameter : generator.parameters())
    if (parameter->name.find("gru") != std::string::npos) parameter->value.fill(0);
  for (Index t = 0; t < 5; ++t) CHECK(shows_it(t));
}

TEST_CASE("clip networks: MoCoGAN's critic adds the clip's score and the frames' mean score") {
  const Random random(1);
  const Tensor<> clips = noise({2, 5, 28, 28, 3});
  Trace<> trace, of_clip, of_frames;
  const Tensor<> score = mocogan_critic<>(random, small).infer(clips, trace);
  const Tensor<> whole = frames_critic<>(random, small).infer(clips, of_clip);
  Tensor<> frames(clips);
  frames.reshape({10, 28, 28, 3});
  const Tensor<> single =
      dcgan_critic<>(random.stream("frame"), {.size = 28, .channels = 3, .width = 4}).infer(frames, of_frames);
  for (Index n = 0; n < 2; ++n) {
    float mean = 0;
    for (Index t = 0; t < 5; ++t) mean += single[5 * n + t] / 5;
    CHECK(score[n] == Approx(whole[n] + mean).margin(1e-5));
  }
}

TEST_CASE("clip recipes: a step changes both networks and stays finite") {
  for (const auto make : {recipes::frames_gan<float>, recipes::mocogan<float>, recipes::moving_gan<float>}) {
    Recipe<> recipe = make({.clip = {4, 28, 28, 1}, .batch = 4, .seed = 3, .width = 4});
    recipe.options.steps = 10;
    AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
    const Tensor<> before = recipe.generator.parameters()[0]->value;
    const Tensor<> real = noise({4, 4, 28, 28, 1});
    StepReport report;
    for (int i = 0; i < 2; ++i) report = trainer.step(real);
    CHECK(std::isfinite(report.discriminator_loss + report.generator_loss));
    CHECK(report.penalty > 0);
    const Tensor<>& after = recipe.generator.parameters()[0]->value;
    CHECK(!std::equal(before.data(), before.data() + before.size(), after.data()));
  }
}

TEST_CASE("clip networks: what cannot be is refused") {
  const Random random;
  CHECK_THROWS_WITH(frames_generator<>(random, {.clip = {16, 32, 32}}),
                    "network: expected clips of square frames of 28, 32 or 64 pixels, got 16x32x32");
  CHECK_THROWS_WITH(mocogan_critic<>(random, {.clip = {16, 32, 28, 1}}),
                    "network: expected clips of square frames of 28, 32 or 64 pixels, got 16x32x28x1");
  CHECK_THROWS_WITH(frames_critic<>(random, {.clip = {2000, 32, 32, 1}}),
                    "network: expected 1 to 1024 frames of 1 to 64 channels, got 2000x32x32x1");
  CHECK_THROWS_WITH(mocogan_generator<>(random, {.motion = 0}), "network: expected 1 to 4096 numbers of motion, got 0");
  CHECK_THROWS_WITH(recipes::mocogan<>({.width = 5000}), "recipe: expected a width from 0 to 4096, got 5000");
  CHECK_THROWS_WITH(recipes::frames_gan<>({.batch = 0}), "recipe: expected a batch of at least 1, got 0");
}
