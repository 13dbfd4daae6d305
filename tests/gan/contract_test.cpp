// What the trainer and the recipes refuse, by name: options out of range when they are made, and in a step batches,
// labels and gradients whose counts do not fit each other.
#include <cstring>
#include <limits>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/gan/recipes/recipes.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/embedding.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace rival;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

struct Pair {
  Generator<> generator;
  Discriminator<> discriminator;
  explicit Pair(Index heads = 0)
      : generator(3, Sequential<>(Dense<>({.in = 3, .out = 8}), LeakyReLU<>(0.2), Dense<>({.in = 8, .out = 4}))),
        discriminator(
            {4}, Sequential<>(Dense<>({.in = 4, .out = 8}), LeakyReLU<>(0.2), Dense<>({.in = 8, .out = 1 + heads})),
            "D", heads) {
    generator.initialise(he<>(0.2), Random(1));
    discriminator.initialise(he<>(0.2), Random(2));
  }
};

Tensor<> normal_batch(const Shape& shape, std::uint64_t seed = 5) {
  Tensor<> batch(shape);
  Random random(seed);
  random.fill_normal(batch);
  return batch;
}

/// What the trainer says to these options when it is made; empty if it takes them.
std::string refusal(TrainerOptions<> options, Index heads = 0) {
  Pair pair(heads);
  try {
    AdversarialTrainer<> trainer(pair.generator, pair.discriminator, std::move(options));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// What a step says that is made with these options.
std::string refused_step(TrainerOptions<> options, Index heads = 0) {
  Pair pair(heads);
  AdversarialTrainer<> trainer(pair.generator, pair.discriminator, std::move(options));
  try {
    trainer.step(normal_batch({64, 4}));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

AuxiliaryLoss<> heads_loss(bool on_real, const Shape& gradient = {64, 2}) {
  return {.loss =
              [=](const Tensor<>&, Labels, const Tensor<>&, Tensor<>& dheads) {
                dheads.resize(gradient);
                dheads.fill(0);
                return 0.0f;
              },
          .on_real = on_real};
}

}  // namespace

TEST_CASE("contract: options out of range are refused when the trainer is made") {
  CHECK(refusal({}).empty());
  for (const Index layers : {-1, 1, 4, 99})  // behind layer 1 stands the activation that it is fused with
    CHECK(
        refusal({.feature_matching = layers}) ==
        "trainer: expected feature_matching behind one of the 3 layers of the discriminator and its activation, got " +
            std::to_string(layers));
  for (const Index layers : {2, 3}) CHECK(refusal({.feature_matching = layers}).empty());

  for (const double clip : {1e-60, -0.01, not_a_number, infinity})
    CHECK_THAT(refusal({.weight_clip = clip}),
               ContainsSubstring("trainer: expected a weight_clip that is 0 or a positive number, got "));
  CHECK(refusal({.weight_clip = 1e-30}).empty());

  CHECK(refusal({.discriminator_steps = 0}) == "trainer: expected at least 1 discriminator step, got 0");
  CHECK(refusal({.steps = -1}) == "trainer: expected steps >= 0, got -1");
  CHECK(refusal({.average = MovingAverageOptions{.half_life = 0}}) == "moving average: expected half_life > 0, got 0");
  CHECK_THAT(refusal({.average = MovingAverageOptions{.half_life = not_a_number}}),
             ContainsSubstring("moving average: expected half_life > 0, got "));
  CHECK_THAT(refusal({.average = MovingAverageOptions{.ramp_up = infinity}}),
             ContainsSubstring("moving average: expected a finite ramp_up >= 0, got inf"));
  CHECK_THAT(refusal({.penalties = {r1(not_a_number)}}),
             ContainsSubstring("penalty: expected a finite weight >= 0, got "));
}

TEST_CASE("contract: an auxiliary loss on real samples needs the labels of the data") {
  const TrainerOptions<> drawn{.labels = LabelSource::drawn, .classes = 3};
  auto options = drawn;
  options.auxiliary = heads_loss(true);
  CHECK(refusal(options, 2) ==
        "trainer: expected labels of the data for an auxiliary loss on real samples, got drawn ones");
  options.auxiliary = heads_loss(false);
  CHECK(refusal(options, 2).empty());
  CHECK(refusal(drawn).empty());  // no auxiliary loss at all
}

TEST_CASE("contract: a schedule that gives no sensible number is refused when it is read") {
  for (const double bad : {not_a_number, infinity, -1.0}) {
    const Schedule schedule = [=](long) { return bad; };
    CHECK_THAT(refused_step({.penalties = {r2(1, schedule)}}),
               ContainsSubstring("penalty: expected a schedule that gives a finite factor >= 0, got ") &&
                   ContainsSubstring(" at step 0"));
    CHECK_THAT(refused_step({.generator_optimizer = AdamOptions{.schedule = schedule}}),
               ContainsSubstring("adam: expected a schedule that gives a finite factor >= 0, got "));
    CHECK_THAT(refused_step({.discriminator_optimizer = AdamOptions{.beta2_schedule = schedule}}),
               ContainsSubstring("adam: expected a beta2_schedule that gives 0 <= beta2 < 1, got "));
  }
  // Each of weight, interval and factor is finite, and their product is not.
  CHECK_THAT(refused_step({.penalties = {r1(1e300, [](long) { return 1e200; })}}),
             ContainsSubstring("penalty: expected a schedule that gives a finite factor >= 0, got 1e+200"));
}

TEST_CASE("contract: the batches of a step have one count") {
  // Two penalties that walk through real and generated samples at once.
  for (const Index latents : {1, 63, 65, 1000}) {
    Pair pair;
    AdversarialTrainer<> trainer(pair.generator, pair.discriminator,
                                 {.loss = wasserstein(), .penalties = {r2(1), wgan_gp()}});
    CHECK_THROWS_WITH(trainer.step(normal_batch({64, 4}), normal_batch({latents, 3})),
                      "trainer: expected 64 latent vectors, one a real sample, got " + std::to_string(latents) + "x3");
    CHECK_NOTHROW(trainer.step(normal_batch({64, 4}), normal_batch({64, 3})));
  }
  const auto resized = [](const Shape& shape) {
    return refused_step({.draw_latent = [=](Tensor<>& latent, Random& random) {
      latent.resize(shape);
      random.fill_normal(latent);
    }});
  };
  CHECK(resized({64, 3}).empty());
  CHECK(resized({2, 3}) == "trainer: expected 64 latent vectors, one a real sample, got 2x3");
  CHECK(resized({64, 2}) == "network \"G\": expected a batch of 3, got 64x2");
  CHECK(resized({64, 3, 1}) == "network \"G\": expected a batch of 3, got 64x3x1");
  CHECK(resized({}) == "trainer: expected 64 latent vectors, one a real sample, got scalar");

  Pair pair;
  AdversarialTrainer<> trainer(pair.generator, pair.discriminator);
  CHECK_THROWS_WITH(trainer.step(Tensor<>({0, 4})), "network \"D\": expected a batch of 4, got 0x4");
  CHECK_THROWS_WITH(trainer.step(Tensor<>()), "network \"D\": expected a batch of 4, got 0");
  CHECK_THROWS_WITH(trainer.step(Tensor<>(Shape{})), "network \"D\": expected a batch of 4, got scalar");
  const std::vector<Labels::value_type> labels(7);
  CHECK_THROWS_WITH(trainer.step(normal_batch({8, 4}), Labels(labels)),
                    "trainer: expected 8 labels, one a sample, got 7");
  CHECK_THROWS_WITH(trainer.step(normal_batch({8, 4}), normal_batch({8, 3}), Labels(labels)),
                    "trainer: expected 8 labels, one a sample, got 7");
}

TEST_CASE("contract: a label that is no class is refused") {
  Pair pair;
  Generator<> generator(3, Sequential<>(Embedding<>({.classes = 3, .one_hot = true}), Dense<>({.in = 6, .out = 4})));
  generator.initialise(he<>(), Random(1));
  AdversarialTrainer<> trainer(generator, pair.discriminator, {.labels = LabelSource::data});
  std::vector<Labels::value_type> labels(8, 2);
  CHECK_NOTHROW(trainer.step(normal_batch({8, 4}), Labels(labels)));
  labels[5] = 3;
  CHECK_THROWS_WITH(trainer.step(normal_batch({8, 4}), Labels(labels)),
                    ContainsSubstring("expected labels from 0 to 2, got 3"));
}

TEST_CASE("contract: a loss writes a gradient for each of its numbers") {
  const AdversarialLoss<> plain = non_saturating();
  for (const Shape& shape : {Shape{1, 1}, Shape{64}, Shape{65, 1}, Shape{0}}) {
    for (const std::vector<Penalty>& penalties : {std::vector<Penalty>{}, {r1(1), r2(1)}}) {
      INFO(shape << (penalties.empty() ? "" : ", with penalties"));
      AdversarialLoss<> mine = plain;
      mine.discriminator = [&](const Tensor<>&, const Tensor<>&, Tensor<>& dreal, Tensor<>& dfake) {
        dreal.resize(shape), dfake.resize(shape);
        return 1.0f;
      };
      CHECK(refused_step({.loss = mine, .penalties = penalties}) ==
            "trainer: expected the discriminator's loss to write a gradient of 64x1, got " + shape.text());
      mine = plain;
      mine.generator = [&](const Tensor<>&, const Tensor<>&, Tensor<>& dfake) {
        dfake.resize(shape);
        return 1.0f;
      };
      CHECK(refused_step({.loss = mine, .penalties = penalties}) ==
            "trainer: expected the generator's loss to write a gradient of 64x1, got " + shape.text());
      CHECK(refused_step({.penalties = penalties, .auxiliary = heads_loss(true, shape)}, 2) ==
            "trainer: expected the auxiliary loss to write a gradient of 64x2, got " + shape.text());
    }
  }
  CHECK(refused_step({.auxiliary = heads_loss(true)}, 2).empty());
}

TEST_CASE("contract: every recipe refuses options out of range by name") {
  for (const auto& recipe : named_recipes<float>()) {
    INFO(recipe.name);
    for (const Index bad : {0, -1}) {
      CHECK_THROWS_WITH(recipe.make({.batch = bad}),
                        "recipe: expected a batch of at least 1, got " + std::to_string(bad));
      CHECK_THROWS_WITH(recipe.make({.classes = bad}), "recipe: expected at least 1 class, got " + std::to_string(bad));
    }
  }
}

TEST_CASE("contract: the trainer's average is the one that is made by hand, bit for bit") {
  Pair pair, other;
  const MovingAverageOptions options{.half_life = 100, .ramp_up = 0.5, .batch = 999};  // the batch is the trainer's
  AdversarialTrainer<> trainer(pair.generator, pair.discriminator,
                               {.batch = 8, .discriminator_steps = 2, .average = options});
  CHECK(trainer.options().average->batch == 8);
  AdversarialTrainer<> plain(other.generator, other.discriminator, {.batch = 8, .discriminator_steps = 2});
  Generator<> average = other.generator;
  MovingAverage<> moving(average.state(), other.generator.state(), {.half_life = 100, .ramp_up = 0.5, .batch = 8});
  for (std::uint64_t k = 0; k < 5; ++k) {
    trainer.step(normal_batch({8, 4}, k));
    plain.step(normal_batch({8, 4}, k));
    moving.update();
  }
  const auto bits = [](Network<>& network) {
    std::string all;
    for (const auto* parameter : network.parameters())
      all.append(reinterpret_cast<const char*>(parameter->value.data()),
                 static_cast<std::size_t>(parameter->value.size()) * sizeof(float));
    return all;
  };
  CHECK(bits(trainer.average()) == bits(average));
  CHECK(bits(trainer.average()) != bits(pair.generator));
  CHECK(bits(pair.generator) == bits(other.generator));
  CHECK(&trainer.averaged_generator() == &trainer.average());
}
