#pragma once
// The command line of sound_gan.

#include <filesystem>
#include <string>

#include "common/training_options.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("sound_gan_out") {}

  std::filesystem::path data;  ///< a folder of sound files
  std::string judge;           ///< a folder of others, with the same classes; empty: no judge
  long rate = 8000;
  long length = 4096;
  bool keep_silence = false;
  bool unconditional = false;
  bool spectrograms = false;  ///< SpecGAN in place of WaveGAN
  std::string recipe = "rpgan";
  long width = 0;  ///< 0: the recipe's
  long batch = 32;
  double minutes = 30;    ///< that the training is to take, where no steps are given
  long steps = 0;         ///< 0: as many as fit into the minutes
  long sample_every = 0;  ///< 0: forty times in all

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--rate", o.rate);
    fixed("--length", o.length);
    fixed("--keep-silence", o.keep_silence);
    fixed("--unconditional", o.unconditional);
    fixed("--spectrograms", o.spectrograms);
    fixed("--recipe", o.recipe);
    fixed("--width", o.width);
    fixed("--batch", o.batch);
    fixed("--steps", o.steps);
    fixed("--sample-every", o.sample_every);
    free("--minutes", o.minutes);
    // Where the sounds lie; that they are the same ones is known by their fingerprint.
    free("SOUNDS", o.data);
    free("--judge", o.judge);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
