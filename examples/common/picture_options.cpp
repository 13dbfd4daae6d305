#include "common/picture_options.hpp"

#include "common/command_line.hpp"

void add_picture_options(Arguments& app, PictureOptions& o) {
  add_number(app, "--steps", o.steps, "stop after so many training steps");
  add_number(app, "--batch", o.batch, "images a step");
  add_number(app, "--sample-every", o.sample_every, "steps from one frame of the animation to the next");
  add_number(app, "--samples", o.samples, "write so many generated images to generated.npy");
  app.add_option(
      "--label", o.label,
      "sample this class alone, as the data call it; a conditional recipe otherwise draws a row a class, and "
      "image i of generated.npy is of class i modulo their number");
  add_number(app, "--best-of", o.best_of,
             "draw each sample of samples.png and generated.npy so often, and keep the one that the discriminator "
             "scores highest: better ones, and somewhat fewer kinds; with mnist_gan's rpgan 3, else 1");
  add_number(app, "--evaluate-every", o.evaluate.every,
             "steps from one evaluation of 2000 samples to the next: Frechet distance, precision, recall, "
             "density and coverage go to losses.csv, and the best generator to best.safetensors");
  app.add_option("--classifier", o.evaluate.classifier,
                 "a classifier of such pictures, as ./scripts/classify makes one, for --evaluate-every");
  app.add_flag("--tensorboard", o.tensorboard, "write TensorBoard's event files, to the folder tensorboard in --out");
  add_training_options(app, o);
}

void check_picture_options(const PictureOptions& o) {
  using rival::require;
  const auto given = [&](const char* name) { return o.given.count(name) > 0; };
  require(!given("--steps") || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  require(!given("--batch") || o.batch >= 1, "--batch: expected at least 1, got ", o.batch);
  require(!given("--sample-every") || o.sample_every >= 1, "--sample-every: expected at least 1, got ", o.sample_every);
  require(!given("--samples") || o.samples >= 1, "--samples: expected at least 1, got ", o.samples);
  require(!given("--best-of") || (o.best_of >= 1 && o.best_of <= 1000), "--best-of: expected 1 to 1000, got ",
          o.best_of);
  require(!given("--evaluate-every") || o.evaluate.every >= 1, "--evaluate-every: expected at least 1, got ",
          o.evaluate.every);
  require(!given("--classifier") || given("--evaluate-every") || o.checkpoints.resume,
          "--classifier: expected --evaluate-every beside it");
}
