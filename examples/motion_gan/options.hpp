#pragma once
// The command line of motion_gan.

#include <filesystem>
#include <string>

#include "common/training_options.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("motion_gan_out") {}

  std::filesystem::path data;  ///< a folder of clips; empty: digits that bounce
  long frames = 16;
  long size = 32;       ///< 28, 32 or 64
  long channels = 0;    ///< 1 or 3; 0: as the clips are
  long clips = 10'000;  ///< of digits
  std::string recipe;   ///< moving, frames or mocogan
  long width = 0;       ///< 0: the recipe's
  long batch = 16;
  double minutes = 30;    ///< that the training is to take, where no steps are given
  long steps = 0;         ///< 0: as many as fit into the minutes
  long sample_every = 0;  ///< 0: forty times in all
  long judged = 1000;     ///< clips that the figures are taken of

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--frames", o.frames);
    fixed("--size", o.size);
    fixed("--channels", o.channels);
    fixed("--clips", o.clips);
    fixed("--recipe", o.recipe);
    fixed("--width", o.width);
    fixed("--batch", o.batch);
    fixed("--steps", o.steps);
    fixed("--sample-every", o.sample_every);
    free("--judged", o.judged);
    free("--minutes", o.minutes);
    // Where the clips lie; that they are the same ones is known by their fingerprint.
    free("CLIPS", o.data);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
