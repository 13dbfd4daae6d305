#include "options.hpp"

#include <cmath>

#include "common/command_line.hpp"

bool parse(int argc, char** argv, Options& o) {
  Arguments app(
      "Trains a generator and a discriminator against each other on handwritten digits, and writes pictures.");
  auto* recipe =
      app.add_option("--recipe", o.recipe,
                     "what to train, and how: rpgan, made for two minutes on two cores, or a paper's settings: gan, "
                     "dcgan, lsgan, wgan, wgan-gp, sngan, dragan, r3gan, cgan, acgan, projection or infogan; it "
                     "chooses networks, losses, optimisers, and if not given the batch and the epochs")
          ->capture_default_str();
  auto* architecture =
      app.add_option("--architecture", o.architecture,
                     "dense, dcgan28 or tfdcgan in the place of a recipe: non-saturating loss, batch 32 and 1 epoch if "
                     "not given, and what the options with --architecture say");
  auto* data =
      app.add_option("--data", o.data,
                     "folder with files of MNIST's kind, gzipped or not: (Fashion-)MNIST, EMNIST, KMNIST, QMNIST")
          ->capture_default_str();
  auto* images =
      app.add_option("--images", o.images, "an IDX or .npy file of pictures, in the place of --data")->excludes(data);
  app.add_option("--labels", o.labels, "the file of their labels, of the same kind, if there is one")->needs(images);
  app.add_flag("--transpose", o.transpose, "swap height and width, as EMNIST's files need it")->needs(images);
  auto* epochs = add_number(app, "--epochs", o.epochs, "passes through the training images");
  auto* latent =
      add_number(app, "--latent", o.latent, "numbers in a latent vector; with --architecture")->capture_default_str();
  auto* rate = add_number(app, "--learning-rate", o.learning_rate,
                          "of Adam, for both networks; falls to 0 over the second half; with --architecture")
                   ->capture_default_str();
  auto* beta1 =
      add_number(app, "--beta1", o.beta1, "of Adam, for both networks; with --architecture")->capture_default_str();
  add_picture_options(app, o);
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  if (architecture->count() > 0) {
    require(o.architecture == "dense" || o.architecture == "dcgan28" || o.architecture == "tfdcgan",
            "--architecture: expected dense, dcgan28 or tfdcgan, got ", o.architecture);
    require(recipe->count() == 0, "--architecture: expected no --recipe beside it, which chooses it; got ", o.recipe);
    o.recipe.clear();
  } else {
    require(!o.recipe.empty(), "--recipe: expected a name, got an empty one");
    for (const auto* option : {latent, rate, beta1})
      require(option->count() == 0, option->get_name(), ": expected ",
              recipe->count() > 0 ? "no --recipe beside it, which chooses it; got "
                                  : "--architecture beside it; without, the recipe chooses it: ",
              o.recipe);
    if (epochs->count() == 0) o.epochs = 0;
    if (o.given.count("--batch") == 0) o.batch = 0;
  }
  check_picture_options(o);
  require(o.epochs >= 1 || (epochs->count() == 0 && !o.recipe.empty()), "--epochs: expected at least 1, got ",
          o.epochs);
  require(o.latent >= 1, "--latent: expected at least 1, got ", o.latent);
  require(std::isfinite(o.learning_rate) && o.learning_rate > 0, "--learning-rate: expected a positive number, got ",
          o.learning_rate);
  require(o.beta1 >= 0 && o.beta1 < 1, "--beta1: expected a number from 0 to below 1, got ", o.beta1);
  return true;
}
