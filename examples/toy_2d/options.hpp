#pragma once
// The command line of toy_2d.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/command_line.hpp"

struct Options {
  std::string problem = "ring";
  std::string recipe = "rpgan-r1r2";
  std::filesystem::path out = "toy_2d_out";
  long steps = 0;  ///< 0: the recipe's
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: as many as OpenMP takes
  bool tensorboard = false;
  bool quiet = false;
  CheckpointOptions checkpoints;
  GivenOptions given;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    fixed("--problem", o.problem);
    fixed("--recipe", o.recipe);
    fixed("--steps", o.steps);
    fixed("--seed", o.seed);
    free("--tensorboard", o.tensorboard);
    free("--checkpoint-every", o.checkpoints.every);
    free("--keep", o.checkpoints.keep);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
