#pragma once
// The command line of mnist_gan.

#include <filesystem>
#include <string>

#include "common/command_line.hpp"
#include "common/evaluations.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("mnist_gan_out") {}

  std::string recipe = "rpgan";  ///< empty: the example's own, for the architecture
  std::string architecture;      ///< empty: the recipe's
  std::filesystem::path data = RIVAL_MNIST_DIR;
  std::filesystem::path images, labels;  ///< in the place of `data`
  bool transpose = false;
  long epochs = 1;  ///< 0: as many as the recipe takes
  long steps = 0;   ///< 0: all of the epochs'
  long batch = 32;  ///< 0: the recipe's
  long latent = 100;
  double learning_rate = 3e-4;
  double beta1 = 0.5;
  long sample_every = 0;  ///< 0: so that the animation has some 40 frames
  long samples = 0;       ///< 0: no generated.npy
  long label = -1;        ///< the class to sample; -1: all
  bool tensorboard = false;
  EvaluateOptions evaluate;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--recipe", o.recipe);
    fixed("--architecture", o.architecture);
    fixed("--transpose", o.transpose);
    fixed("--epochs", o.epochs);
    fixed("--steps", o.steps);
    fixed("--batch", o.batch);
    fixed("--latent", o.latent);
    fixed("--learning-rate", o.learning_rate);
    fixed("--beta1", o.beta1);
    fixed("--sample-every", o.sample_every);
    fixed("--label", o.label);
    fixed("--evaluate-every", o.evaluate.every);
    // Where the pictures lie; that they are the same ones is known by their fingerprint.
    free("--data", o.data);
    free("--images", o.images);
    free("--labels", o.labels);
    free("--classifier", o.evaluate.classifier);
    free("--samples", o.samples);
    free("--tensorboard", o.tensorboard);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
