#pragma once
// The command line of toy_2d.

#include <filesystem>
#include <string>

#include "common/training_options.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("toy_2d_out") {}

  std::string problem = "ring";
  std::string recipe = "rpgan-r1r2";
  long steps = 0;  ///< 0: the recipe's
  bool tensorboard = false;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--problem", o.problem);
    fixed("--recipe", o.recipe);
    fixed("--steps", o.steps);
    free("--tensorboard", o.tensorboard);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
