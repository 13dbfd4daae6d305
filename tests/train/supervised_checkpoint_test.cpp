// A supervised training that goes on from a checkpoint is the training that was never interrupted.
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "rival/data/distortion.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/dropout.hpp"
#include "rival/layers/reshape.hpp"
#include "temporary_folder.hpp"

using namespace rival;
using Catch::Matchers::ContainsSubstring;
using rival_test::quoted;
using rival_test::read_bytes;
using rival_test::TemporaryFolder;

namespace {

constexpr long all_steps = 8;

template <class S>
Classifier<S> classifier(std::uint64_t seed, Index features = 128) {
  Classifier<S> made({8, 8, 1}, Sequential<S>(Conv2d<S>({.in = 1, .out = 8, .kernel = 4, .stride = 2, .padding = 1}),
                                              BatchNorm<S>({.features = 8}), ReLU<S>(), Flatten<S>(),
                                              Dropout<S>({.rate = 0.2}), Dense<S>({.in = features, .out = 3})));
  made.initialise(he<S>(), Random(seed));
  return made;
}

Dataset data() {
  std::vector<std::uint8_t> pixels(50 * 64);
  std::vector<Label> labels(50);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 7 % 251);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<Label>(i % 3);
  return {{8, 8, 1}, pixels, labels, 3};
}

template <class S>
SupervisedOptions<S> options() {
  return {.batch = 10,
          .label_smoothing = 0.1,
          .augment = Distortion<S>({.shift = 1, .elastic = 0.5, .noise = 0.1}),
          .optimizer = AdamOptions{.schedule = over_run([](long n) { return cosine({.steps = n}); })},
          .average = MovingAverageOptions{.half_life = 100},
          .seed = 5};
}

/// Trains to the end, from the checkpoint `from` if there is one, and writes one at the end, and one `middle` half way.
template <class S>
void train(int thread_count, const std::filesystem::path& from, const std::filesystem::path& middle,
           const std::filesystem::path& end) {
  const int before = threads();
  set_threads(thread_count);
  auto made = classifier<S>(from.empty() ? 1 : 77);  // all weights have to come over
  SupervisedTrainer<S> trainer(made, options<S>());
  CheckpointExtras extras;
  extras.numbers["losses"] = Tensor<double>({all_steps});
  if (!from.empty()) extras = trainer.load(from);
  trainer.fit(data(), {.epochs = 5, .steps = all_steps, .resume = !from.empty(), .on_step = [&](const StepReport& r) {
                         extras.numbers.at("losses")[r.step - 1] = r.loss;
                         if (r.steps_done == all_steps / 2 && !middle.empty()) trainer.save(middle, extras);
                       }});
  trainer.save(end, extras);
  set_threads(before);
}

}  // namespace

TEMPLATE_TEST_CASE("supervised checkpoint: goes on bit for bit, on another number of threads", "", float, double) {
  const TemporaryFolder folder;
  train<TestType>(1, {}, folder / "middle", folder / "whole");
  for (const int count : {1, 2, 4}) {
    train<TestType>(count, folder / "middle", {}, folder / "parts");
    CHECK((read_bytes(folder / "parts") == read_bytes(folder / "whole")));
  }
}

TEST_CASE("supervised checkpoint: says what differs, is no other trainer's, and a damaged one changes nothing") {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  train<float>(1, {}, path, folder / "b");
  auto made = classifier<float>(3);
  auto other = options<float>();
  other.batch = 5;
  other.augment = Distortion<>({.shift = 2, .elastic = 0.5, .noise = 0.1});
  SupervisedTrainer<> trainer(made, other);
  trainer.save(folder / "before");
  CHECK_THROWS_WITH(trainer.load(path), "checkpoint " + quoted(path) +
                                            ": it cannot go on here:\n"
                                            "  options.batch: the checkpoint has 10, here it is 5\n"
                                            "  options.augment.shift: the checkpoint has 1.0, here it is 2.0");
  std::string bytes = read_bytes(path);
  bytes[bytes.size() - 5] ^= 1;
  replace_file(folder / "damaged", bytes);
  CHECK_THROWS_WITH(trainer.load(folder / "damaged"), ContainsSubstring("it is damaged, its checksum is another one"));
  trainer.save(folder / "after");
  CHECK((read_bytes(folder / "before") == read_bytes(folder / "after")));

  Generator<> generator(2, Sequential<>(Dense<>({.in = 2, .out = 2})));
  Discriminator<> discriminator({2}, Sequential<>(Dense<>({.in = 2, .out = 1})));
  generator.initialise(he<>(), Random(1)), discriminator.initialise(he<>(), Random(2));
  AdversarialTrainer<> adversarial(generator, discriminator);
  CHECK_THROWS_WITH(adversarial.load(path), "checkpoint " + quoted(path) +
                                                ": expected a checkpoint with a generator, got one of another kind of "
                                                "trainer");
  adversarial.save(folder / "c");
  CHECK_THROWS_WITH(trainer.load(folder / "c"),
                    ContainsSubstring("expected a checkpoint with a classifier, got one of another kind of trainer"));
}
