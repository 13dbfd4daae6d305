#pragma once
// What every training program takes, as plain numbers and texts. common/command_line.hpp fills them in.

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

struct CheckpointOptions {
  long every = 0;       ///< steps from one to the next; 0: none, or with `resume` as the checkpoint says
  long keep = 0;        ///< how many; 0: 1, or with `resume` as the checkpoint says
  bool resume = false;  ///< go on from the newest
};

struct EvaluateOptions {
  long every = 0;                    ///< steps; 0: never
  std::filesystem::path classifier;  ///< of such samples
};

/// The names of the options that were given.
using GivenOptions = std::set<std::string>;

struct TrainingOptions {
  explicit TrainingOptions(std::filesystem::path folder) : out(std::move(folder)) {}

  std::filesystem::path out;
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: as many as OpenMP takes
  bool quiet = false;
  CheckpointOptions checkpoints;
  GivenOptions given;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    fixed("--seed", o.seed);
    free("--checkpoint-every", o.checkpoints.every);
    free("--keep", o.checkpoints.keep);
  }
};
