// Training on signals and sequences: with the layers that stand in no recipe, a warm step allocates nothing, and the
// bits do not depend on the number of threads.
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include "catch.hpp"

#include "allocations.hpp"  // counted by counting_new.hpp, which allocation_test.cpp includes
#include "rival/gan/recipes/clips.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/gaussian_noise.hpp"
#include "rival/layers/gru.hpp"
#include "rival/layers/phase_shuffle.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/softmax.hpp"
#include "rival/layers/time_distributed.hpp"
#include "rival/layers/weight_norm.hpp"

using namespace rival;

namespace {

struct Networks {
  Generator<> generator;
  Discriminator<> discriminator;
  TrainerOptions<> options;
};

Networks networks(const std::string& what) {
  if (what == "signals")
    return {
        {16, Sequential<>(
                 Dense<>({.in = 16, .out = 32}), Reshape<>({4, 8}), LeakyReLU<>(0.2),
                 ConvTranspose1d<>({.in = 8, .out = 6, .kernel = 8, .stride = 4, .padding = 2}), LeakyReLU<>(0.2),
                 WeightNorm(ConvTranspose1d<>({.in = 6, .out = 1, .kernel = 4, .stride = 2, .padding = 1})), Tanh<>())},
        {{32, 1},
         Sequential<>(GaussianNoise<>({.sigma = 0.1}),
                      Conv1d<>({.in = 1, .out = 8, .kernel = 9, .stride = 2, .padding = 4}), LeakyReLU<>(0.2),
                      PhaseShuffle<>({.radius = 2}),
                      WeightNorm(Conv1d<>({.in = 8, .out = 8, .kernel = 4, .stride = 2, .padding = 1})),
                      LeakyReLU<>(0.2), PhaseShuffle<>({.radius = 2}), Flatten<>(), Dense<>({.in = 64, .out = 1}))},
        {.batch = 64, .penalties = {r1(1.0), r2(1.0)}}};
  if (what == "clips") {
    auto recipe = recipes::moving_gan({.clip = {8, 32, 32, 1}, .batch = 16, .width = 4});
    recipe.options.average.reset();
    return {std::move(recipe.generator), std::move(recipe.discriminator), std::move(recipe.options)};
  }
  return {{16, Sequential<>(Dense<>({.in = 16, .out = 30}), Reshape<>({6, 5}), GRU<>({.in = 5, .hidden = 40}),
                            TimeDistributed<>(Sequential<>(Dense<>({.in = 40, .out = 7}))),
                            Softmax<>({.temperature = 0.7, .gumbel = true, .straight_through = true}))},
          {{6, 7},
           Sequential<>(TimeDistributed<>(Sequential<>(Dense<>({.in = 7, .out = 6}), LeakyReLU<>(0.2))),
                        GRU<>({.in = 6, .hidden = 40, .last = true}), Dense<>({.in = 40, .out = 1}))},
          {.loss = wasserstein<float>(), .batch = 64, .penalties = {wgan_gp()}}};
}

/// The weights after some steps, and what the last of them allocated.
std::pair<std::vector<std::uint32_t>, long> trained(const std::string& what) {
  Networks n = networks(what);
  n.generator.initialise(normal<float>(0, 0.2), Random(1));
  n.discriminator.initialise(normal<float>(0, 0.2), Random(1));
  n.options.steps = 100;
  AdversarialTrainer<> trainer(n.generator, n.discriminator, n.options);
  Tensor<> real(n.discriminator.input_shape().batch(n.options.batch));
  Random(2).fill_uniform(real, -1.0f, 1.0f);
  for (int i = 0; i < 4; ++i) trainer.step(real);
  const long start = rival_test::allocations;
  const StepReport report = trainer.step(real);
  const long allocated = rival_test::allocations - start;
  CHECK(std::isfinite(report.discriminator_loss + report.generator_loss));
  CHECK(report.penalty > 0);
  std::vector<std::uint32_t> bits;
  for (auto state : {n.generator.state(), n.discriminator.state()})
    for (const auto* parameter : state.parameters)
      for (Index i = 0; i < parameter->value.size(); ++i)
        bits.push_back(std::bit_cast<std::uint32_t>(parameter->value[i]));
  return {bits, allocated};
}

}  // namespace

TEST_CASE("sequence networks: a warm step allocates nothing, and makes the same bits on one thread and on three") {
  const std::string what = GENERATE("signals", "choices", "clips");
  INFO(what);
  const long before_all = rival_test::allocations;
  const int before = threads();
  set_threads(1);
  const auto [one, allocated] = trained(what);
  set_threads(3);
  const auto [three, allocated_too] = trained(what);
  set_threads(before);
  CHECK(allocated == 0);
  CHECK(allocated_too == 0);
  CHECK(one == three);
  CHECK((!RIVAL_TEST_COUNTS_NEW || rival_test::allocations > before_all));  // they are counted
}
