// What stands around the files that README shows.
#include <rival/io/checkpoint.hpp>
#include <rival/io/network_file.hpp>
#include <rival/io/onnx_export.hpp>
#include <rival/rival.hpp>

int main() {
  const rival::Dataset digits({28, 28, 1}, std::vector<std::uint8_t>(64 * 28 * 28, 100));
  auto recipe = rival::recipes::rpgan({.batch = 8, .seed = 7});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  trainer.fit(digits, {.epochs = 1, .steps = 5, .on_step = [&](const rival::StepReport& report) {
                         if (report.steps_done == 2) trainer.stop();
                       }});

#include "files.inc"

  rival::Random one(1), other(1);
  const auto expected = rival::Generator<>(trainer.averaged_generator()).sample(2, one), got = again.sample(2, other);
  return trainer.state().steps == 5 && got.shape() == expected.shape() ? 0 : 1;
}
