#include "options.hpp"

#include <cmath>

#include "common/command_line.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app("Trains a classifier of pictures, or of rows of numbers, and says what it takes for what.");
  auto* data =
      app.add_option("--data", o.data,
                     "folder with files of MNIST's kind, gzipped or not, to train and to test "
                     "((Fashion-)MNIST, EMNIST, KMNIST, QMNIST), or a folder of pictures, with a sub-folder for "
                     "each class or a labels.csv")
          ->capture_default_str();
  auto* images = app.add_option("--images", o.images,
                                "in the place of --data: an IDX file of pictures, or an .npy file of pictures or rows")
                     ->excludes(data);
  auto* labels = app.add_option("--labels", o.labels, "the IDX or .npy file of their labels")->needs(images);
  images->needs(labels);
  auto* test_images =
      app.add_option("--test-images", o.test_images, "a file of others to test with; else the last of --images are")
          ->needs(images);
  auto* test_labels = app.add_option("--test-labels", o.test_labels, "the file of their labels")->needs(test_images);
  test_images->needs(test_labels);
  auto* hold_out =
      add_number(app, "--hold-out", o.hold_out,
                 "how many of --images, or of a folder's pictures, are kept to test with; a sixth if not given")
          ->excludes(test_images);
  auto* size =
      add_number(app, "--size", o.size, "a folder's pictures become squares of so many pixels")->excludes(images);
  app.add_flag("--transpose", o.transpose, "swap height and width, as EMNIST's files need it")->needs(images);
  app.add_option("--label-column", o.label_column,
                 "the column of a folder's labels.csv that holds the classes; the second")
      ->excludes(images);
  add_number(app, "--epochs", o.epochs, "passes through the training samples")->capture_default_str();
  auto* steps = add_number(app, "--steps", o.steps, "stop after so many training steps");
  add_number(app, "--batch", o.batch, "samples a step")->capture_default_str();
  add_number(app, "--width", o.width, "channels of the first layers; 16 makes a file of 1 MB for digits")
      ->capture_default_str();
  add_number(app, "--learning-rate", o.learning_rate, "of Adam; falls to 0 by a cosine")->capture_default_str();
  add_number(app, "--label-smoothing", o.label_smoothing, "share of a target that is spread over all classes")
      ->capture_default_str();
  auto& d = o.distortion;
  add_number(app, "--shift", d.shift, "training pictures are moved by up to so many pixels")->capture_default_str();
  add_number(app, "--rotate", d.rotate, "turned by up to so many degrees")->capture_default_str();
  add_number(app, "--scale", d.scale, "made larger or smaller by up to this factor")->capture_default_str();
  add_number(app, "--stretch", d.stretch, "wider or narrower by up to this factor")->capture_default_str();
  add_number(app, "--elastic", d.elastic, "and bent, each pixel by so many on average")->capture_default_str();
  add_number(app, "--flip", d.flip, "share of them that is mirrored, left to right")->capture_default_str();
  add_number(app, "--noise", d.noise, "deviation of noise on their values, which go from -1 to 1")
      ->capture_default_str();
  add_training_options(app, o);
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  require(hold_out->count() == 0 || o.hold_out >= 1, "--hold-out: expected at least 1, got ", o.hold_out);
  require(size->count() == 0 || o.size >= 1, "--size: expected at least 1, got ", o.size);
  require(o.epochs >= 1, "--epochs: expected at least 1, got ", o.epochs);
  require(steps->count() == 0 || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  require(o.batch >= 1, "--batch: expected at least 1, got ", o.batch);
  require(o.width >= 1 && o.width <= 1024, "--width: expected 1 to 1024, got ", o.width);
  require(std::isfinite(o.learning_rate) && o.learning_rate > 0, "--learning-rate: expected a positive number, got ",
          o.learning_rate);
  require(o.label_smoothing >= 0 && o.label_smoothing < 1,
          "--label-smoothing: expected a number from 0 to below 1, got ", o.label_smoothing);
  rival::Distortion<>{o.distortion};  // which says what is wrong with its options
  return true;
}
