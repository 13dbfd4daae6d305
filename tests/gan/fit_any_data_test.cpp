// Every kind of data goes through the same loader and the same fit.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>
#include "catch.hpp"

#include "rival/gan/trainer.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/reshape.hpp"
#include "temporary_folder.hpp"

using namespace rival;

namespace {

/// Trains a small dense pair for six steps on samples of that shape.
void check_trains(const Dataset& data) {
  const Shape& sample = data.sample_shape();
  INFO(sample);
  Generator<> generator(4, Sequential<>(Dense<>({.in = 4, .out = 8}), LeakyReLU<>(0.2),
                                        Dense<>({.in = 8, .out = sample.size()}), Tanh<>(), Reshape<>(sample)));
  Discriminator<> discriminator(sample, Sequential<>(Flatten<>(), Dense<>({.in = sample.size(), .out = 8}),
                                                     LeakyReLU<>(0.2), Dense<>({.in = 8, .out = 1})));
  generator.initialise(he<>(), Random(1));
  discriminator.initialise(he<>(), Random(2));
  AdversarialTrainer<> trainer(generator, discriminator, {.batch = 4, .penalties = {r1(0.1)}});
  long steps = 0;
  trainer.fit(data, {.epochs = 2, .on_step = [&](const StepReport& report) {
                       ++steps;
                       CHECK(std::isfinite(report.discriminator_loss));
                       CHECK(report.penalty > 0);
                     }});
  CHECK(steps == 6);
  Random random(3);
  CHECK(generator.sample(2, random).shape() == sample.batch(2));
}

}  // namespace

TEST_CASE("fit: pictures, sound, text, clips and tables train alike") {
  std::vector<std::uint8_t> bytes(12 * 96);
  std::vector<std::int16_t> sound(12 * 64);
  std::vector<float> table(12 * 5);
  std::vector<Label> letters(12 * 6);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i / 3);
  for (std::size_t i = 0; i < sound.size(); ++i)
    sound[i] = static_cast<std::int16_t>(20000 * std::sin(static_cast<double>(i)));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(std::cos(static_cast<double>(i)));
  for (std::size_t i = 0; i < letters.size(); ++i) letters[i] = static_cast<Label>(i * 7 % 5);
  check_trains(Dataset({4, 8, 3}, bytes));
  check_trains(Dataset({2, 4, 4, 3}, bytes));
  check_trains(Dataset({64, 1}, sound));
  check_trains(Dataset::of_classes({6}, 5, letters));
  check_trains(Dataset({5}, table));

  // From files just so.
  const rival_test::TemporaryFolder folder;
  const auto file = [&](const auto& values) {
    return folder.write(
        "a", std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values.front())));
  };
  check_trains(Dataset::mapped<std::uint8_t>(file(bytes), 0, {4, 8, 3}, 12));
  check_trains(Dataset::mapped<float>(file(table), 0, {5}, 12));
  check_trains(Dataset::mapped_classes(file(letters), 0, {6}, 5, 12));
}
