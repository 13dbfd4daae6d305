// Every allocation of a network's and of a trainer's save and load made to fail, one at a time (fail_each.hpp): they
// are then as they were, and a trainer goes on to the same bits.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include "catch.hpp"

#include "fail_each.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/io/network_file.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using namespace rival_test;

namespace {

Generator<> make_generator(std::uint64_t seed) {
  Generator<> network{2, Sequential<>(Dense<>({.in = 2, .out = 3}), BatchNorm<>({.features = 3}))};
  network.initialise(he<>(), Random(seed));
  return network;
}

std::string_view bytes_of(const Tensor<>& tensor) {
  return {reinterpret_cast<const char*>(tensor.data()), static_cast<std::size_t>(tensor.size()) * sizeof(float)};
}

std::string bytes_of(Network<>& network) {
  std::string all;
  for (const auto* parameter : network.state().parameters) all += bytes_of(parameter->value);
  for (const auto* buffer : network.state().buffers) all += bytes_of(buffer->value);
  return all;
}

/// With streams, buffers, an average and schedules, so that a checkpoint has something of every kind.
struct Training {
  Generator<> generator{2, Sequential<>(Dense<>({.in = 2, .out = 3}), BatchNorm<>({.features = 3}))};
  Discriminator<> discriminator{{3},
                                Sequential<>(Dense<>({.in = 3, .out = 4}), LeakyReLU<>(0.2), Dropout<>({.rate = 0.3}),
                                             Dense<>({.in = 4, .out = 1}))};
  std::optional<AdversarialTrainer<>> trainer;

  Training() {
    generator.initialise(he<>(), Random(1));
    discriminator.initialise(he<>(), Random(2));
    const AdamOptions adam{.beta1 = 0.5, .schedule = over_run([](long steps) { return cosine({.steps = steps}); })};
    trainer.emplace(generator, discriminator,
                    TrainerOptions<>{.batch = 4,
                                     .penalties = {dragan(2)},
                                     .generator_optimizer = adam,
                                     .discriminator_optimizer = RmsPropOptions{.momentum = 0.5},
                                     .average = MovingAverageOptions{.half_life = 20},
                                     .steps = 12});
  }
  void step() {
    Tensor<> real({4, 3});
    Random(static_cast<std::uint64_t>(trainer->state().steps)).fill_normal(real);
    trainer->step(real);
  }
  /// All bytes that a checkpoint brings back.
  std::string everything() {
    std::string all;
    const auto put = [&](const auto& value) { all.append(reinterpret_cast<const char*>(&value), sizeof value); };
    const auto remembered = internal::remembered(internal::parts_of(*trainer));
    for (const auto& [name, tensor] : remembered.tensors) all += bytes_of(*tensor);
    for (const auto& [name, stream] : remembered.streams) put(stream->position());
    for (auto* optimizer : {&trainer->generator_optimizer(), &trainer->discriminator_optimizer()}) {
      put(optimizer->steps());
      put(optimizer->base_learning_rate());
    }
    const TrainerState state = trainer->state();
    for (const long number : {state.steps, state.run, state.discriminator_steps, state.average_steps}) put(number);
    for (const auto& position : {state.latents, state.classes, state.penalties}) put(position);
    return all;
  }
};

}  // namespace

TEST_CASE("failing allocations: each one of a network's save") {
  Generator<> network = make_generator(1);
  const std::string weights = bytes_of(network);
  check_save([&](const auto& path) { save(network, path); });
  CHECK((bytes_of(network) == weights));
}

TEST_CASE("failing allocations: each one of a network's load") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  Generator<> from = make_generator(1);
  const std::string after = bytes_of(from);
  save(from, path);
  SECTION("load_generator") {
    check_load([&] {
      Generator<> loaded = load_generator(path);
      return bytes_of(loaded) == after;
    });
  }
  SECTION("load_weights") {
    const Generator<> untouched = make_generator(2);
    Generator<> network = untouched;
    const std::string before = bytes_of(network);
    bool loaded = false, right = true;
    const auto load = [&] {
      loaded = false;
      load_weights(network, path);
      loaded = true;
    };
    CHECK(fail_each(load, [&] {
            right = right && bytes_of(network) == (loaded ? after : before);
            network = untouched;
          }) > 10);
    CHECK(right);
  }
}

TEST_CASE("failing allocations: each one of a trainer's save") {
  Training training, straight;
  training.step();
  straight.step();
  CheckpointExtras extras;
  extras.texts["options"] = "a text that is longer than what stands in a string itself";
  extras.numbers["reports"] = Tensor<double>({2}, 0.5);
  check_save([&](const auto& path) { training.trainer->save(path, extras); });
  CHECK((training.everything() == straight.everything()));
  training.step();
  straight.step();
  CHECK((training.everything() == straight.everything()));
}

TEST_CASE("failing allocations: each one of a trainer's load") {
  const TemporaryFolder folder;
  const auto path = folder / "a", earlier = folder / "b";
  Training straight, training;
  training.step();
  training.trainer->save(earlier);
  for (int i = 0; i < 3; ++i) straight.step();
  CheckpointExtras extras;
  extras.bytes["frames"] = Tensor<std::uint8_t>({2}, std::uint8_t{7});
  straight.trainer->save(path, extras);
  const std::string before = training.everything(), after = straight.everything();
  REQUIRE((before != after));

  bool loaded = false, right = true;
  const auto load = [&] {
    loaded = false;
    const CheckpointExtras got = training.trainer->load(path);
    loaded = got.bytes.at("frames")[1] == 7;
  };
  CHECK(fail_each(load, [&] {
          right = right && training.everything() == (loaded ? after : before);
          if (loaded) training.trainer->load(earlier);
        }) > 100);
  CHECK(right);
  // What failed has left nothing behind: it goes on from where it was, and from where the file takes it.
  Training again;
  again.step();
  for (Training* t : {&again, &training}) t->step();
  CHECK((training.everything() == again.everything()));
  training.trainer->load(path);
  for (Training* t : {&straight, &training}) t->step();
  CHECK((training.everything() == straight.everything()));
}
