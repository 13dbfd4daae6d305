#include "options.hpp"

#include "common/command_line.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app(
      "Trains a GAN on colour images of three digits, one a channel, and counts how many of the 1000 numbers from 000 "
      "to "
      "999 it makes.");
  auto* data = app.add_option("--data", o.data, "folder with the digits, files of MNIST's kind")->capture_default_str();
  auto* classifier =
      app.add_option("--classifier", o.classifier,
                     "what reads the digits, as ./scripts/classify makes one; the bundled one if not given");
  add_number(app, "--steps", o.steps, "training steps")->capture_default_str();
  add_number(app, "--batch", o.batch, "images a step")->capture_default_str();
  add_number(app, "--width", o.width,
             "channels of the generator's layer next to the image; the discriminator's has half")
      ->capture_default_str();
  add_number(app, "--images", o.images, "in the data set, drawn once")->capture_default_str();
  auto* every =
      add_number(app, "--count-every", o.count_every, "steps from one count of modes to the next; else at the end");
  add_training_options(app, o);
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  require(o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  require(o.batch >= 1, "--batch: expected at least 1, got ", o.batch);
  require(o.width >= 4 && o.width <= 4096 && o.width % 4 == 0, "--width: expected a multiple of 4 from 4 to 4096, got ",
          o.width);
  require(o.images >= o.batch && o.images <= 10'000'000, "--images: expected from a batch to 10,000,000, got ",
          o.images);
  require(every->count() == 0 || o.count_every >= 1, "--count-every: expected at least 1, got ", o.count_every);
  require(data->count() == 0 || classifier->count() > 0 || o.checkpoints.resume,
          "--data: expected a --classifier of these digits beside it; ./scripts/classify makes one");
  return true;
}
