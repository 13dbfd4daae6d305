#pragma once
// The command line of mnist_gan.

#include <filesystem>
#include <string>

#include "common/picture_options.hpp"

struct Options : PictureOptions {
  Options() : PictureOptions("mnist_gan_out") { epochs = 1, batch = 32; }

  std::string recipe = "rpgan";  ///< empty: the example's own, for the architecture
  std::string architecture;      ///< empty: the recipe's
  std::filesystem::path data = RIVAL_MNIST_DIR;
  std::filesystem::path images, labels;  ///< in the place of `data`
  bool transpose = false;
  long latent = 100;
  double learning_rate = 3e-4;
  double beta1 = 0.5;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    PictureOptions::each(o, fixed, free);
    fixed("--recipe", o.recipe);
    fixed("--architecture", o.architecture);
    fixed("--transpose", o.transpose);
    fixed("--latent", o.latent);
    fixed("--learning-rate", o.learning_rate);
    fixed("--beta1", o.beta1);
    // Where the pictures lie; that they are the same ones is known by their fingerprint.
    free("--data", o.data);
    free("--images", o.images);
    free("--labels", o.labels);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
