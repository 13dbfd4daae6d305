#include "options.hpp"

#include "common/command_line.hpp"
#include "common/time_budget.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app("Trains a GAN on clips of some frames, and writes clips like them.");
  app.add_option("CLIPS", o.data,
                 "a folder of clips: animated GIFs, and folders of pictures, a frame each; without one, handwritten "
                 "digits that bounce about");
  add_number(app, "--frames", o.frames, "frames of a clip; longer animations are several clips, one after the other")
      ->capture_default_str();
  add_number(app, "--size", o.size, "frames become squares of 28, 32 or 64 pixels")->capture_default_str();
  add_number(app, "--channels", o.channels, "1: grey, 3: colour; if not given as the clips are");
  auto* clips = add_number(app, "--clips", o.clips, "clips of digits to make")->capture_default_str();
  app.add_option("--recipe", o.recipe,
                 "moving: one picture that moves before black, which the digits have by default; frames: frames as "
                 "channels of one picture, which folders have; mocogan: each frame drawn by itself, from content that "
                 "stays and a state that goes on");
  add_number(app, "--width", o.width, "channels of the layers next to the clip; the recipe's if not given");
  add_number(app, "--batch", o.batch, "clips a step")->capture_default_str();
  add_minutes(app, o.minutes);
  add_number(app, "--steps", o.steps, "stop after so many training steps");
  add_number(app, "--sample-every", o.sample_every, "steps from one frame of progress.gif to the next");
  auto* judged = add_number(app, "--judged", o.judged, "clips of digits that the figures at the end are taken of")
                     ->capture_default_str();
  add_training_options(app, o);
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  const auto given = [&](const char* name) { return o.given.count(name) > 0; };
  require(o.frames >= 3 && o.frames <= 256, "--frames: expected 3 to 256, got ", o.frames);
  require(o.size == 28 || o.size == 32 || o.size == 64, "--size: expected 28, 32 or 64, got ", o.size);
  require(!given("--channels") || o.channels == 1 || o.channels == 3, "--channels: expected 1 or 3, got ", o.channels);
  require(judged->count() == 0 || o.data.empty(), "--judged: expected no folder of clips beside it");
  require(clips->count() == 0 || o.data.empty(), "--clips: expected no folder of clips beside it");
  require(o.clips >= 4 && o.clips <= 1'000'000, "--clips: expected 4 to 1,000,000, got ", o.clips);
  if (!given("--recipe")) o.recipe = o.data.empty() ? "moving" : "frames";
  require(o.recipe == "moving" || o.recipe == "frames" || o.recipe == "mocogan",
          "--recipe: expected moving, frames or mocogan, got ", o.recipe);
  require(!given("--width") || (o.width >= 1 && o.width <= 4096), "--width: expected 1 to 4096, got ", o.width);
  require(o.batch >= 2, "--batch: expected at least 2, got ", o.batch);
  require(!given("--steps") || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  check_minutes(o, o.minutes);
  require(!given("--sample-every") || o.sample_every >= 1, "--sample-every: expected at least 1, got ", o.sample_every);
  require(o.judged >= 1 && o.judged <= 100'000, "--judged: expected 1 to 100,000, got ", o.judged);
  return true;
}
