#pragma once
// The command line of stacked_mnist.

#include <filesystem>

#include "common/training_options.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("stacked_mnist_out") {}

  std::filesystem::path data = RIVAL_MNIST_DIR;
  std::filesystem::path classifier;  ///< empty: the bundled one
  long steps = 60'000;
  long batch = 32;
  long width = 64;        ///< channels of the generator's layer next to the image; the discriminator's has half
  long images = 128'000;  ///< in the data set
  long count_every = 0;   ///< steps from one count of modes to the next; 0: at the end alone

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--steps", o.steps);
    fixed("--batch", o.batch);
    fixed("--width", o.width);
    fixed("--images", o.images);
    fixed("--count-every", o.count_every);
    free("--data", o.data);
    free("--classifier", o.classifier);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
