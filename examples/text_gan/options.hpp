#pragma once
// The command line of text_gan.

#include <filesystem>
#include <string>

#include "common/training_options.hpp"

struct Options : TrainingOptions {
  Options() : TrainingOptions("text_gan_out") {}

  std::filesystem::path data;  ///< a text, or a folder of texts
  long length = 0;             ///< 0: the longest line's
  long shortest = 1;
  bool wrap = false;
  std::string alphabet;  ///< empty: all characters that there are
  long held_out = 0;     ///< lines; 0: a sixth, but at most 10,000
  std::string recipe = "rpgan";
  long width = 0;           ///< 0: the recipe's
  long batch = 64;          ///< lines a step
  long steps = 0;           ///< 0: as many as fit into the minutes
  double minutes = 30;      ///< that the training is to take, where no steps are given
  long evaluate_every = 0;  ///< 0: twenty times in the training
  long samples = 0;         ///< 0: no generated.txt
  std::string label;        ///< the class to sample, by its name; empty: all

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--length", o.length);
    fixed("--shortest", o.shortest);
    fixed("--wrap", o.wrap);
    fixed("--alphabet", o.alphabet);
    fixed("--held-out", o.held_out);
    fixed("--recipe", o.recipe);
    fixed("--width", o.width);
    fixed("--batch", o.batch);
    fixed("--steps", o.steps);
    fixed("--evaluate-every", o.evaluate_every);
    fixed("--label", o.label);
    free("--minutes", o.minutes);
    free("--samples", o.samples);
    // Where the text lies; that it is the same one is known by its fingerprint.
    free("TEXT", o.data);
  }
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
