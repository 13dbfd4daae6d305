#pragma once
// What a trainer is told, and what it tells.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/data/loader.hpp"
#include "rival/gan/penalty.hpp"
#include "rival/loss/adversarial.hpp"
#include "rival/loss/auxiliary.hpp"
#include "rival/optim/make_optimizer.hpp"
#include "rival/optim/moving_average.hpp"

namespace rival {

/// Where the labels come from that a trainer hands to its networks.
enum class LabelSource { none, data, drawn };

template <class S = float>
struct TrainerOptions {
  AdversarialLoss<S> loss = non_saturating<S>();
  Index batch = 64;
  /// What the discriminator pays for steep scores: `{r1(1.0), r2(1.0)}`, `{wgan_gp()}`; of no kind twice.
  std::vector<Penalty> penalties = {};
  /// The loss of the discriminator's heads, if it has any.
  AuxiliaryLoss<S> auxiliary = {};
  /// If not 0: the generator matches the features behind so many of the discriminator's layers instead of minimising
  /// its own loss (Salimans et al., 2016).
  Index feature_matching = 0;
  /// If not 0: after each update, the discriminator's weights are clipped to +- this bound (WGAN; Arjovsky et al.,
  /// 2017).
  double weight_clip = 0;
  /// Whether the networks are given labels: none, those of the real batch, also for the generated one, or, for the
  /// generated batch alone, classes drawn uniformly from `classes`.
  LabelSource labels = LabelSource::none;
  Index classes = 0;
  /// Fills latent vectors {N, latent}, as a LatentLaw does; standard normal if empty.
  std::function<void(Tensor<S>& latent, Random& random)> draw_latent = {};
  /// Updates of the discriminator for each one of the generator, each on a new batch.
  int discriminator_steps = 1;
  OptimizerOptions generator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  OptimizerOptions discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  /// If given: the trainer keeps a moving average of the generator's weights, to sample from; its `batch` is this
  /// one's.
  std::optional<MovingAverageOptions> average = {};
  /// How many steps the training will have, for schedules over the run; `fit` finds out by itself.
  long steps = 0;
  /// Of the latent vectors and the order of the data.
  std::uint64_t seed = 0;
};

/// What one training step saw, before its updates. Scores are logits.
struct StepReport {
  long step = 0;                  ///< counted from 1, over all calls
  double discriminator_loss = 0;  ///< without penalties and auxiliary losses
  double generator_loss = 0;
  double penalty = 0;         ///< the sum of all penalties, weighted
  double auxiliary_loss = 0;  ///< of the generated samples, in the discriminator's step
  double real_score = 0;      ///< mean score of the real batch
  double fake_score = 0;      ///< mean score of the generated batch
  double accuracy = 0;        ///< share of both batches that the discriminator tells apart

  // Where `fit` stands; zero when a step is called by itself.
  Index epoch = 0;  ///< counted from 1
  Index epochs = 0;
  long steps_in_all = 0;  ///< of this call of fit
  long steps_done = 0;
  double seconds = 0;            ///< since fit began
  double images_per_second = 0;  ///< real images, since fit began
};

struct FitOptions {
  Index epochs = 1;
  long steps = 0;       ///< stop after so many, if not 0
  bool resume = false;  ///< go on with the fit that the trainer was in when its state was read, or when a step failed
  std::function<void(const StepReport&)> on_step = {};
  std::function<void(const StepReport&)> on_epoch = {};  ///< with the epoch's last step
};

/// What a trainer remembers from step to step beside networks, optimisers and average: with the networks' `state()`,
/// the optimisers' `state()` and `steps()` and the averaged generator's weights it is all that it takes to go on, bit
/// for bit.
struct TrainerState {
  long steps = 0;                ///< of the generator
  long run = 0;                  ///< steps that the whole run will have, for schedules; 0 where nobody knows
  long discriminator_steps = 0;  ///< by which penalties are due, and change
  long average_steps = 0;
  Random::Position latents, classes, penalties;
  int fits = 0;                ///< calls of fit that have begun
  long fit_steps = 0;          ///< of the last of them
  LoaderPosition data;         ///< where its loader stands
  std::uint64_t data_set = 0;  ///< the fingerprint of its data set

  friend bool operator==(const TrainerState&, const TrainerState&) = default;
};

}  // namespace rival
