#pragma once
// The command line of augment.

#include <filesystem>

#include "common/training_options.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("augment_out") {}

  std::filesystem::path data = RIVAL_MNIST_DIR;
  long labels = 10;  ///< a class
  long steps = 0;    ///< 0: as many as fit into `minutes`
  double minutes = 30;
  long batch = 100;
  long evaluate_every = 0;  ///< 0: twenty times

  bool table = false;
  long draws = 5;
  long classifier_steps = 1500;
  long gan_steps = 3000;
  long width = 8;

  /// As common/settings.hpp has it: of a semi-supervised run.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--labels", o.labels);
    fixed("--steps", o.steps);
    fixed("--batch", o.batch);
    fixed("--evaluate-every", o.evaluate_every);
    free("--minutes", o.minutes);
    free("--data", o.data);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
