// A training step that fails leaves networks, optimisers, average and trainer as they were before it.
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/augment.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/spectral_norm.hpp"

using namespace rival;

namespace {

/// A generator with running statistics, and a discriminator with power iterations and random streams.
struct Pair {
  Generator<> generator{3, Sequential<>(Dense<>({.in = 3, .out = 16}), BatchNorm<>({.features = 16}), LeakyReLU<>(0.2),
                                        Dense<>({.in = 16, .out = 16}), Reshape<>({4, 4, 1}))};
  Discriminator<> discriminator{
      {4, 4, 1},
      Sequential<>(Augment<>({.translation = 0.25, .brightness = 0.2}),
                   SpectralNorm(Conv2d<>({.in = 1, .out = 4, .kernel = 3, .padding = 1})), LeakyReLU<>(0.2),
                   Flatten<>(), Dropout<>({.rate = 0.3}), Dense<>({.in = 64, .out = 1}))};
  Pair() {
    generator.initialise(he<>(), Random(1));
    discriminator.initialise(he<>(), Random(2));
  }
};

void put(std::string& all, const void* data, std::size_t bytes) { all.append(static_cast<const char*>(data), bytes); }
void put(std::string& all, const Tensor<>& tensor) {
  put(all, tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(float));
}

void put(std::string& all, Network<>& network) {
  const State<> state = network.state();
  for (const auto* parameter : state.parameters) put(all, parameter->value), put(all, parameter->grad);
  for (const auto* buffer : state.buffers) put(all, buffer->value);
  for (const auto& [name, stream] : state.streams) put(all, &stream->position(), sizeof(Random::Position));
}

/// All bytes that training depends on.
std::string everything(Pair& pair, AdversarialTrainer<>& trainer) {
  std::string all;
  put(all, pair.generator);
  put(all, pair.discriminator);
  if (trainer.options().average) put(all, trainer.average());
  for (auto* optimizer : {&trainer.generator_optimizer(), &trainer.discriminator_optimizer()}) {
    const long steps = optimizer->steps();
    put(all, &steps, sizeof steps);
    for (const auto& [name, tensor] : optimizer->state()) put(all, *tensor);
  }
  const TrainerState state = trainer.state();
  put(all, &state.steps, sizeof state.steps);
  put(all, &state.discriminator_steps, sizeof state.discriminator_steps);
  put(all, &state.average_steps, sizeof state.average_steps);
  for (const auto* position : {&state.latents, &state.classes, &state.penalties}) put(all, position, sizeof *position);
  return all;
}

Tensor<> batch(std::uint64_t seed, Index count = 8) {
  Tensor<> images({count, 4, 4, 1});
  Random random(seed);
  random.fill_normal(images);
  return images;
}

}  // namespace

TEST_CASE("failed step: whatever throws, wherever, all is as before, and the run goes on as if it had not been") {
  // Where a step may fail: in its first or a later discriminator step, before or behind its update, or in the
  // generator's half.
  const std::string place =
      GENERATE("discriminator", "second discriminator", "discriminator nan", "generator", "generator nan", "memory",
               "schedule of discriminator", "schedule of generator", "penalty", "latent");
  INFO(place);
  bool armed = false;
  int calls = 0;
  const auto fails = [&](const std::string& at) { return armed && place == at; };

  AdversarialLoss<> loss = non_saturating<>();
  const AdversarialLoss<> plain = loss;
  loss.discriminator = [&](const Tensor<>& real, const Tensor<>& fake, Tensor<>& dreal, Tensor<>& dfake) {
    const float value = plain.discriminator(real, fake, dreal, dfake);
    ++calls;
    if (fails("discriminator") || (fails("second discriminator") && calls % 2 == 0)) throw std::runtime_error("mine");
    return fails("discriminator nan") ? std::numeric_limits<float>::quiet_NaN() : value;
  };
  loss.generator = [&](const Tensor<>& real, const Tensor<>& fake, Tensor<>& dfake) {
    const float value = plain.generator(real, fake, dfake);
    if (fails("generator")) throw std::runtime_error("mine");
    if (fails("memory")) throw std::bad_alloc();
    return fails("generator nan") ? std::numeric_limits<float>::infinity() : value;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const TrainerOptions<> options{
      .loss = loss,
      .batch = 8,
      .penalties = {r1(
                        0.1, [&](long) { return fails("penalty") ? nan : 1.0; }, 2),
                    wgan_gp(0.1)},
      .draw_latent =
          [&](Tensor<>& latent, Random& random) {
            random.fill_normal(latent);
            if (fails("latent")) latent.resize({3, 3});
          },
      .discriminator_steps = 2,
      .generator_optimizer = AdamOptions{.schedule = [&](long) { return fails("schedule of generator") ? nan : 1.0; }},
      .discriminator_optimizer =
          AdamOptions{.schedule = [&](long) { return fails("schedule of discriminator") ? -1.0 : 1.0; }},
      .average = MovingAverageOptions{.half_life = 100},
      .seed = 5};

  Pair tried, smooth;
  AdversarialTrainer<> trainer(tried.generator, tried.discriminator, options);
  AdversarialTrainer<> reference(smooth.generator, smooth.discriminator, options);
  for (std::uint64_t k = 0; k < 3; ++k) trainer.step(batch(k)), reference.step(batch(k));
  REQUIRE((everything(tried, trainer) == everything(smooth, reference)));

  armed = true;
  const std::string before = everything(tried, trainer);
  CHECK_THROWS(trainer.step(batch(3)));
  CHECK((everything(tried, trainer) == before));
  CHECK_THROWS(trainer.step(batch(3)));
  CHECK((everything(tried, trainer) == before));
  armed = false;
  for (std::uint64_t k = 3; k < 6; ++k) {
    CHECK(trainer.step(batch(k)).step == static_cast<long>(k + 1));
    reference.step(batch(k));
  }
  CHECK((everything(tried, trainer) == everything(smooth, reference)));
}

TEST_CASE("failed step: a real divergence leaves no NaN behind") {
  Pair pair;
  AdversarialTrainer<> trainer(pair.generator, pair.discriminator,
                               {.generator_optimizer = SgdOptions{.learning_rate = 1e30},
                                .discriminator_optimizer = SgdOptions{.learning_rate = 1e30}});
  std::string before;
  const auto until_it_fails = [&] {
    for (int k = 0; k < 100; ++k) {
      before = everything(pair, trainer);
      trainer.step(batch(static_cast<std::uint64_t>(k)));
    }
  };
  CHECK_THROWS_AS(until_it_fails(), Diverged);
  CHECK((everything(pair, trainer) == before));
  for (auto* network : {static_cast<Network<>*>(&pair.generator), static_cast<Network<>*>(&pair.discriminator)}) {
    for (const auto* parameter : network->parameters()) CHECK((parameter->grad.array() == 0.0f).all());
    for (const auto* buffer : network->buffers()) CHECK(buffer->value.array().isFinite().all());
  }
}

TEST_CASE("failed step: fit goes on where a step failed, and where a callback threw") {
  std::vector<std::uint8_t> bytes(16 * 64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37);
  const Dataset data({4, 4, 1}, bytes);
  Pair tried, smooth;
  TrainerOptions<> options{.batch = 8, .average = MovingAverageOptions{.half_life = 100}};
  AdversarialTrainer<> reference(smooth.generator, smooth.discriminator, options);
  reference.fit(data, {.epochs = 3});

  int calls = 0;
  options.loss.generator = [&, plain = options.loss.generator](const auto& real, const auto& fake, auto& dfake) {
    return ++calls == 5 ? std::numeric_limits<float>::quiet_NaN() : plain(real, fake, dfake);
  };
  AdversarialTrainer<> trainer(tried.generator, tried.discriminator, options);
  CHECK_THROWS_AS(trainer.fit(data, {.epochs = 3}), Diverged);
  CHECK(trainer.state().fit_steps == 4);
  CHECK_THROWS_WITH(trainer.fit(data, {.epochs = 3,
                                       .resume = true,
                                       .on_step =
                                           [](const StepReport& report) {
                                             if (report.steps_done == 11) throw std::runtime_error("mine");
                                           }}),
                    "mine");
  long first = 0;
  trainer.fit(data, {.epochs = 3, .resume = true, .on_step = [&](const StepReport& report) {
                       if (first == 0) first = report.steps_done;
                       CHECK(report.steps_in_all == 24);
                     }});
  CHECK(first == 12);
  CHECK((everything(tried, trainer) == everything(smooth, reference)));
}
