#pragma once
// What an AdversarialTrainer is told, and what it remembers.

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
#include "rival/train/fit_options.hpp"

namespace rival {

/// Where the labels come from that a trainer hands to its networks.
enum class LabelSource {
  none,  ///< networks get no labels
  data,  ///< from the data set; the generated batch has those of the real one
  drawn  ///< for the generated batch alone, uniformly from the classes
};

/// Labelled samples beside those that a trainer is given without labels.
struct LabelledSamples {
  Dataset data;      ///< with a class for each head of the discriminator at most
  Index batch = 64;  ///< of them a step of the discriminator; all come once before one comes again
};

/// What an AdversarialTrainer does in a step, and with which numbers.
template <class S = float>
struct TrainerOptions {
  AdversarialLoss<S> loss = non_saturating<S>();  ///< of both networks, on the discriminator's scores
  Index batch = 64;                               ///< samples in a step
  /// What the discriminator pays for steep scores: `{r1(1.0), r2(1.0)}`, `{wgan_gp()}`; of no kind twice.
  std::vector<Penalty> penalties = {};
  /// The loss of the discriminator's heads, if it has any.
  AuxiliaryLoss<S> auxiliary = {};
  /// If given: the auxiliary loss is of these samples alone, neither of the others nor of generated ones, and the
  /// discriminator alone minimises it: semi-supervised training (Salimans et al., 2016).
  std::optional<LabelledSamples> labelled = {};
  /// If not 0: the generator matches the features behind so many of the discriminator's layers instead of minimising
  /// its own loss (Salimans et al., 2016).
  Index feature_matching = 0;
  /// If not 0: after each update, the discriminator's weights are clipped to +- this bound (WGAN; Arjovsky et al.,
  /// 2017).
  double weight_clip = 0;
  /// Whether the networks are given labels: none, those of the real batch, also for the generated one, or, for the
  /// generated batch alone, classes drawn uniformly from `classes`.
  LabelSource labels = LabelSource::none;
  Index classes = 0;  ///< that are drawn from, with LabelSource::drawn
  /// Fills latent vectors {N, latent}, as a LatentLaw does; standard normal if empty.
  std::function<void(Tensor<S>& latent, Random& random)> draw_latent = {};
  /// Updates of the discriminator for each one of the generator, each on a new batch.
  int discriminator_steps = 1;
  /// Of the generator's optimiser; their type says which one it is.
  OptimizerOptions generator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  /// Of the discriminator's, in the same way.
  OptimizerOptions discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  /// If given: the trainer keeps a moving average of the generator's weights, to sample from; its `batch` is this
  /// one's.
  std::optional<MovingAverageOptions> average = {};
  /// How many steps the training will have, for schedules over the run; `fit` finds out by itself.
  long steps = 0;
  /// Of the latent vectors and the order of the data.
  std::uint64_t seed = 0;
};

/// What an AdversarialTrainer remembers from step to step beside networks, optimisers and average: with the networks'
/// `state()`, the optimisers' `state()` and `steps()` and the averaged generator's weights it is all that it takes to
/// go on, bit for bit. Its `steps` are the generator's.
struct TrainerState : FitState {
  long discriminator_steps = 0;  ///< by which penalties are due, and change
  Random::Position latents,      ///< of the latent vectors
      classes,                   ///< of the drawn labels
      penalties;                 ///< of the points that penalties are taken at
  LoaderPosition labelled;       ///< where the loader of the labelled samples stands, if there are any

  friend bool operator==(const TrainerState&, const TrainerState&) = default;
};

}  // namespace rival
