#include "options.hpp"

#include "common/command_line.hpp"
#include "common/time_budget.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app("Trains a GAN on your own sounds and writes sounds like them.");
  auto* data = app.add_option("SOUNDS", o.data,
                              "a folder of sound files (WAV, FLAC, OGG, MP3 and others); its sub-folders are classes");
  add_number(app, "--rate", o.rate, "Hz, to which all are resampled")->capture_default_str();
  add_number(app, "--length", o.length,
             "samples of each sound: 1024, 4096, 16384 or 65536; longer ones are cut off, shorter ones end in silence")
      ->capture_default_str();
  app.add_flag("--keep-silence", o.keep_silence, "leave the silence before and after each sound");
  app.add_flag("--unconditional", o.unconditional, "do not tell the networks the classes");
  app.add_flag("--spectrograms", o.spectrograms,
               "train on pictures of 32 mel bands over time (SpecGAN), and find their sound, in place of samples "
               "(WaveGAN)");
  app.add_option("--recipe", o.recipe,
                 "rpgan, made for a CPU: relativistic, with R1 and R2; or wavegan, the paper's: Wasserstein with "
                 "a gradient penalty")
      ->capture_default_str();
  add_number(app, "--width", o.width, "channels of the layers next to the sound; the recipe's if not given");
  add_number(app, "--batch", o.batch, "sounds a step")->capture_default_str();
  add_minutes(app, o.minutes);
  add_number(app, "--steps", o.steps, "stop after so many training steps");
  add_number(app, "--sample-every", o.sample_every, "steps from one picture of the report to the next");
  app.add_option("--judge", o.judge,
                 "a folder of other sounds of the same classes: before the training a classifier is trained on "
                 "SOUNDS and tested on them, and at the end it says how good the generated ones are");
  add_training_options(app, o);
  app.footer(
      "./scripts/sound_gan --demo, in the place of SOUNDS: 8,000 spoken digits, which it makes first, judged by 2,000 "
      "of "
      "other voices.");
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  if (!o.judge.empty()) o.judge = std::filesystem::absolute(o.judge).string();  // wherever the run goes on

  using rival::require;
  const auto given = [&](const char* name) { return o.given.count(name) > 0; };
  require(data->count() > 0 || o.checkpoints.resume, "expected a folder of sounds (--help says more)");
  require(o.rate >= 1 && o.rate <= 1'000'000, "--rate: expected 1 to 1000000 Hz, got ", o.rate);
  require(o.length == 1024 || o.length == 4096 || o.length == 16384 || o.length == 65536,
          "--length: expected 1024, 4096, 16384 or 65536 samples, got ", o.length);
  require(o.recipe == "rpgan" || o.recipe == "wavegan", "--recipe: expected rpgan or wavegan, got ", o.recipe);
  require(!given("--width") || (o.width >= 1 && o.width <= 4096), "--width: expected 1 to 4096, got ", o.width);
  require(o.batch >= 2, "--batch: expected at least 2, got ", o.batch);
  require(!given("--steps") || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  check_minutes(o, o.minutes);
  require(!given("--sample-every") || o.sample_every >= 1, "--sample-every: expected at least 1, got ", o.sample_every);
  return true;
}
