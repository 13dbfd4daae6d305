// What stands around the files that README shows.
#include <filesystem>

#include <rival/io/checkpoint.hpp>
#include <rival/io/network_file.hpp>
#include <rival/io/onnx_export.hpp>
#include <rival/rival.hpp>

int main() {
  // In the place of rival::Mnist, which the ten lines read.
  struct {
    rival::Dataset images;
    const rival::Dataset& train() const { return images; }
  } digits{{{28, 28, 1}, std::vector<std::uint8_t>(64 * 28 * 28, 100)}};
  auto recipe = rival::recipes::rpgan({.batch = 8, .seed = 7});
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  trainer.fit(digits.train(), {.epochs = 1, .steps = 5, .on_step = [&](const rival::StepReport& report) {
                                 if (report.steps_done == 2) trainer.stop();
                               }});
  const rival::Generator<> averaged = trainer.averaged_generator();  // which trains on below

#include "files.inc"

  rival::Random one(1), other(1);
  const auto expected = averaged.sample(2, one), got = again.sample(2, other);
  const bool same = got.shape() == expected.shape() && (got.array() == expected.array()).all();
  return trainer.state().steps == 5 && same && std::filesystem::file_size("generator.onnx") > 0 ? 0 : 1;
}
