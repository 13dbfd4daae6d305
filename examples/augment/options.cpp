#include "options.hpp"

#include "common/command_line.hpp"
#include "common/time_budget.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app(
      "Trains a classifier of digits on a few labels and many pictures without, by a GAN (Salimans et al., 2016). With "
      "--table: says what a GAN's pictures are worth to a classifier that has few of its own.");
  app.add_option("--data", o.data,
                 "folder with files of MNIST's kind, gzipped or not, of 28x28 pixels, to train and to test")
      ->capture_default_str();
  add_number(app, "--labels", o.labels, "labelled pictures of each class; the others are taken without their labels")
      ->capture_default_str();
  add_number(app, "--steps", o.steps, "train for so many steps");
  add_minutes(app, o.minutes);
  add_number(app, "--batch", o.batch, "pictures without labels a step, and with labels at most")->capture_default_str();
  add_number(app, "--evaluate-every", o.evaluate_every, "steps from one test to the next; if not given, twenty in all");
  auto* table = app.add_flag("--table", o.table,
                             "make the table in the place of a semi-supervised run; what is made already is kept");
  add_number(app, "--draws", o.draws, "the table's draws of labels, from --seed on")
      ->capture_default_str()
      ->needs(table);
  add_number(app, "--classifier-steps", o.classifier_steps, "steps of each of the table's classifiers")
      ->capture_default_str()
      ->needs(table);
  add_number(app, "--gan-steps", o.gan_steps, "and of each of its GANs")->capture_default_str()->needs(table);
  add_number(app, "--width", o.width, "channels of the first layers of its classifiers")
      ->capture_default_str()
      ->needs(table);
  add_training_options(app, o);
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  const auto given = [&](const char* name) { return o.given.count(name) > 0; };
  require(o.labels >= 1, "--labels: expected at least 1, got ", o.labels);
  require(!given("--steps") || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  check_minutes(o, o.minutes);
  require(o.batch >= 2, "--batch: expected at least 2, got ", o.batch);
  require(!given("--evaluate-every") || o.evaluate_every >= 1, "--evaluate-every: expected at least 1, got ",
          o.evaluate_every);
  require(o.draws >= 1 && o.draws <= 1000, "--draws: expected 1 to 1000, got ", o.draws);
  require(o.classifier_steps >= 1, "--classifier-steps: expected at least 1, got ", o.classifier_steps);
  require(o.gan_steps >= 1, "--gan-steps: expected at least 1, got ", o.gan_steps);
  require(o.width >= 1 && o.width <= 1024, "--width: expected 1 to 1024, got ", o.width);
  for (const char* of_run :
       {"--labels", "--steps", "--minutes", "--batch", "--evaluate-every", "--checkpoint-every", "--keep", "--resume"})
    require(!o.table || !given(of_run), of_run, ": expected no --table beside it");
  return true;
}
