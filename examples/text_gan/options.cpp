#include "options.hpp"

#include "common/command_line.hpp"
#include "common/time_budget.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app("Trains a GAN on the lines of a text, such as a list of words, and writes lines like them.");
  auto* data = app.add_option("TEXT", o.data,
                              "a text in UTF-8, a sample a line; or a folder of texts, each a class that the recipe is "
                              "told of");
  add_number(app, "--length", o.length, "characters in a line at most; if not given the longest line's, at most 64");
  add_number(app, "--shortest", o.shortest, "leave out lines of fewer characters");
  app.add_flag("--wrap", o.wrap, "make several lines of those that are too long, broken at spaces");
  app.add_option("--alphabet", o.alphabet, "leave out lines with other characters than these");
  add_number(app, "--held-out", o.held_out,
             "lines that the networks never see, for the figures; if not given a sixth, at most 10000");
  app.add_option("--recipe", o.recipe, "what to train, and how: rpgan, made for a CPU and some minutes, or wgan-gp")
      ->capture_default_str();
  add_number(app, "--width", o.width, "channels of both networks; the recipe's if not given");
  add_number(app, "--batch", o.batch, "lines a step")->capture_default_str();
  add_number(app, "--steps", o.steps, "train for so many steps");
  add_minutes(app, o.minutes);
  add_number(app, "--evaluate-every", o.evaluate_every,
             "steps from one evaluation of as many samples as lines are held out to the next; if not given, twenty in "
             "all");
  add_number(app, "--samples", o.samples, "write so many generated lines to generated.txt");
  app.add_option("--label", o.label, "sample this class alone, a folder's text by its name without the ending");
  add_training_options(app, o);
  app.footer(
      "./scripts/text_gan --demo words, verses or languages, in the place of TEXT: English words, lines of the King "
      "James Bible, or words of five languages, which it installs first.");
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  const auto given = [&](const char* name) { return o.given.count(name) > 0; };
  require(data->count() > 0 || o.checkpoints.resume, "expected a text, or a folder of texts (--help says more)");
  require(!given("--length") || (o.length >= 6 && o.length <= 1024), "--length: expected 6 to 1024, got ", o.length);
  require(o.shortest >= 1, "--shortest: expected at least 1, got ", o.shortest);
  require(!given("--held-out") || o.held_out >= 1, "--held-out: expected at least 1, got ", o.held_out);
  require(o.recipe == "rpgan" || o.recipe == "wgan-gp", "--recipe: expected rpgan or wgan-gp, got ", o.recipe);
  require(!given("--width") || (o.width >= 1 && o.width <= 4096), "--width: expected 1 to 4096, got ", o.width);
  require(o.batch >= 2, "--batch: expected at least 2, got ", o.batch);
  require(!given("--steps") || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  check_minutes(o, o.minutes);
  require(!given("--evaluate-every") || o.evaluate_every >= 1, "--evaluate-every: expected at least 1, got ",
          o.evaluate_every);
  require(!given("--samples") || o.samples >= 1, "--samples: expected at least 1, got ", o.samples);
  return true;
}
