#pragma once
// What training by `fit` is told, what it tells, and what it remembers, whatever is trained.

#include <cstdint>
#include <functional>

#include "rival/core/error.hpp"
#include "rival/data/loader.hpp"

namespace rival {

/// Thrown when a loss becomes NaN or infinite.
class Diverged : public Error {
 public:
  using Error::Error;
};

/// What one training step saw, before its updates. Scores are logits.
struct StepReport {
  long step = 0;  ///< counted from 1, over all calls
  /// Whether a classifier is trained. If so, `loss` and `accuracy` are what there is to say; if not, a generator and a
  /// discriminator are, and it is all but `loss`.
  bool supervised = false;
  double loss = 0;                ///< of the classifier
  double discriminator_loss = 0;  ///< without penalties and auxiliary losses
  double generator_loss = 0;      ///< without auxiliary losses; with feature matching that of the features
  double penalty = 0;             ///< the sum of all penalties, weighted
  double auxiliary_loss = 0;      ///< of the generated samples, in the discriminator's step, or of the labelled ones
  double real_score = 0;          ///< mean score of the real batch
  double fake_score = 0;          ///< mean score of the generated batch
  double accuracy = 0;  ///< share of the batch whose class is found, or of both that the discriminator tells apart

  // Where `fit` stands; zero when a step is called by itself.
  Index epoch = 0;               ///< counted from 1
  Index epochs = 0;              ///< that fit was asked for
  long steps_in_all = 0;         ///< of this call of fit
  long steps_done = 0;           ///< of them, this one among them
  double seconds = 0;            ///< since fit began
  double images_per_second = 0;  ///< real images, since fit began
};

/// How long `fit` trains, and whom it tells.
struct FitOptions {
  Index epochs = 1;     ///< passes over the data set
  long steps = 0;       ///< stop after so many, if not 0
  bool resume = false;  ///< go on with the fit that the trainer was in when its state was read, or when a step failed
  std::function<void(const StepReport&)> on_step = {};   ///< called after each step
  std::function<void(const StepReport&)> on_epoch = {};  ///< with the epoch's last step, and with the last of all
};

/// What every trainer remembers from step to step beside networks, optimisers and average.
struct FitState {
  long steps = 0;              ///< that have been made
  long run = 0;                ///< steps that the whole run will have, as the optimiser knows it; 0 where nobody does
  long average_steps = 0;      ///< of the moving average
  int fits = 0;                ///< calls of fit that have begun
  long fit_steps = 0;          ///< of the last of them
  LoaderPosition data;         ///< where its loader stands
  std::uint64_t data_set = 0;  ///< the fingerprint of its data set

  friend bool operator==(const FitState&, const FitState&) = default;
};

}  // namespace rival
