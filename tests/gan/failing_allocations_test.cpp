// Every allocation of a first training step made to fail, one at a time: an exception, all as before, nothing lost, and
// the step made again gives the bits of a step that never failed.
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <vector>
#include "catch.hpp"

#include "allocations.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/augment.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/self_attention.hpp"
#include "rival/layers/spectral_norm.hpp"
#include "rival/loss/relativistic.hpp"

#if RIVAL_TEST_COUNTS_NEW
using namespace rival;
using namespace rival_test;

namespace {

struct Training {
  Generator<> generator;
  Discriminator<> discriminator;
  AdversarialTrainer<> trainer;

  Training(const Generator<>& g, const Discriminator<>& d, const TrainerOptions<>& options)
      : generator(g), discriminator(d), trainer(generator, discriminator, options) {}

  /// All bytes that training depends on.
  std::string everything() {
    std::string all;
    const auto put = [&](const void* data, std::size_t bytes) { all.append(static_cast<const char*>(data), bytes); };
    const auto put_tensor = [&](const Tensor<>& tensor) {
      put(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(float));
    };
    std::vector<Network<>*> networks{&generator, &discriminator};
    if (trainer.options().average) networks.push_back(&trainer.average());
    for (Network<>* network : networks) {
      const State<> state = network->state();
      for (const auto* parameter : state.parameters) put_tensor(parameter->value), put_tensor(parameter->grad);
      for (const auto* buffer : state.buffers) put_tensor(buffer->value);
      for (const auto& [name, stream] : state.streams) put(&stream->position(), sizeof(Random::Position));
    }
    for (auto* optimizer : {&trainer.generator_optimizer(), &trainer.discriminator_optimizer()}) {
      const long steps = optimizer->steps();
      put(&steps, sizeof steps);
      for (const auto& [name, tensor] : optimizer->state()) put_tensor(*tensor);
    }
    const TrainerState state = trainer.state();
    put(&state.steps, sizeof state.steps);
    put(&state.average_steps, sizeof state.average_steps);
    for (const auto* position : {&state.latents, &state.classes, &state.penalties}) put(position, sizeof *position);
    return all;
  }
};

Tensor<> batch() {
  Tensor<> images({8, 4, 4, 1});
  Random random(3);
  random.fill_normal(images);
  return images;
}

Generator<> generator() {
  Generator<> network{
      3, Sequential<>(Dense<>({.in = 3, .out = 16}), BatchNorm<>({.features = 16}), ReLU<>(), Reshape<>({2, 2, 4}),
                      ConvTranspose2d<>({.in = 4, .out = 1, .kernel = 2, .stride = 2}), Tanh<>())};
  network.initialise(he<>(), Random(1));
  return network;
}

/// Layers that have tangents, for gradient penalties.
Discriminator<> smooth_discriminator() {
  Discriminator<> network{{4, 4, 1},
                          Sequential<>(Conv2d<>({.in = 1, .out = 4, .kernel = 3, .padding = 1}), LeakyReLU<>(0.2),
                                       Flatten<>(), Dense<>({.in = 64, .out = 1}))};
  network.initialise(he<>(), Random(2));
  return network;
}

Discriminator<> spectral_discriminator() {
  Discriminator<> network{{4, 4, 1},
                          Sequential<>(Augment<>({.translation = 0.25, .brightness = 0.2}),
                                       SpectralNorm(Conv2d<>({.in = 1, .out = 4, .kernel = 3, .padding = 1})),
                                       LeakyReLU<>(0.2), SelfAttention<>({.in = 4}), MinibatchStddev<>(), Flatten<>(),
                                       Dropout<>({.rate = 0.3}), Dense<>({.in = 80, .out = 1}))};
  network.initialise(he<>(), Random(2));
  return network;
}

struct Case {
  std::string name;
  std::function<Discriminator<>()> discriminator;
  TrainerOptions<> options;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"gan", smooth_discriminator, {.batch = 8}},
      {"wgan-gp",
       smooth_discriminator,
       {.loss = wasserstein<>(), .batch = 8, .penalties = {wgan_gp(10)}, .discriminator_steps = 2}},
      {"rpgan with r1 and r2, averaged",
       smooth_discriminator,
       {.loss = relativistic_pairing<>(),
        .batch = 8,
        .penalties = {r1(0.1), r2(0.1)},
        .average = MovingAverageOptions{}}},
      {"spectral norm, averaged",
       spectral_discriminator,
       {.loss = hinge<>(), .batch = 8, .average = MovingAverageOptions{}}},
      {"clipped rmsprop",
       smooth_discriminator,
       {.loss = wasserstein<>(),
        .batch = 8,
        .weight_clip = 0.01,
        .generator_optimizer = RmsPropOptions{},
        .discriminator_optimizer = RmsPropOptions{}}},
      {"feature matching", smooth_discriminator, {.batch = 8, .feature_matching = 2}},
  };
  return all;
}

}  // namespace

TEST_CASE("failing allocations: each one of a training step") {
  const Tensor<> images = batch();
  for (const Case& c : cases()) {
    INFO(c.name);
    const Generator<> g = generator();
    const Discriminator<> d = c.discriminator();
    // What the thread and its helpers keep for themselves is there after a first run.
    Training(g, d, c.options).trainer.step(images);

    const long before = live_allocations;
    std::string expected;
    long live_after = 0, needed = 0;
    {
      Training training(g, d, c.options);
      needed = allocations;
      training.trainer.step(images);
      needed = allocations - needed;
      live_after = live_allocations - before;
      expected = training.everything();
    }
    REQUIRE(needed > 20);

    int thrown = 0;
    bool as_before = true, same_bits = true, none_lost = true;
    for (long number = 1; number <= needed; ++number) {
      const long start = live_allocations;
      {
        Training training(g, d, c.options);
        const std::string untouched = training.everything();
        bool failed = false;
        {
          const FailingAllocation failing(number);
          try {
            training.trainer.step(images);
          } catch (const std::bad_alloc&) {
            failed = true;
          } catch (const Error&) {
            failed = true;
          }
        }
        thrown += failed;
        if (failed) {
          as_before = as_before && training.everything() == untouched;
          training.trainer.step(images);
        }
        same_bits = same_bits && training.everything() == expected;
      }
      none_lost = none_lost && live_allocations == start;
    }
    CHECK(thrown == needed);
    CHECK(as_before);
    CHECK(same_bits);
    CHECK(none_lost);
    CHECK(live_after > 0);
  }
}
#endif
