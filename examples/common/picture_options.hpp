#pragma once
// What the programs that train on pictures take beside the training options.

#include <string>

#include "common/training_options.hpp"

class Arguments;

struct PictureOptions : TrainingOptions {
  using TrainingOptions::TrainingOptions;

  long epochs = 0;        ///< 0: as many as the recipe takes
  long steps = 0;         ///< 0: all of the epochs'
  long batch = 0;         ///< 0: the recipe's
  long sample_every = 0;  ///< 0: so that the animation has some 40 frames
  long samples = 0;       ///< 0: no generated.npy
  std::string label;      ///< the class to sample, as the data call it; empty: all
  long best_of = 0;       ///< tries a sample, of which the discriminator chooses; 0: as many as the program takes
  bool tensorboard = false;
  EvaluateOptions evaluate;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    TrainingOptions::each(o, fixed, free);
    fixed("--epochs", o.epochs);
    fixed("--steps", o.steps);
    fixed("--batch", o.batch);
    fixed("--sample-every", o.sample_every);
    fixed("--label", o.label);
    fixed("--evaluate-every", o.evaluate.every);
    free("--classifier", o.evaluate.classifier);
    free("--samples", o.samples);
    free("--best-of", o.best_of);
    free("--tensorboard", o.tensorboard);
  }
};

void add_picture_options(Arguments& app, PictureOptions& options);

/// Throws rival::Error for what of them cannot be.
void check_picture_options(const PictureOptions& options);
