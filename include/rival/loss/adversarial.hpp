#pragma once
// Adversarial losses: what the discriminator and the generator each minimise, as functions of the
// discriminator's scores.

#include <cmath>
#include <functional>
#include <string>

#include "rival/core/finite.hpp"
#include "rival/loss/supervised.hpp"

namespace rival {

/// A pair of losses. Scores are logits: the discriminator's output for a batch, before any sigmoid.
///
/// Both functions see both batches, so losses that compare real with generated samples fit as well. They
/// write the gradients of their value with respect to the scores, means taken, and allocate nothing once
/// warm. Your own loss is two lambdas: `AdversarialLoss<> mine{.discriminator = ..., .generator = ...};`
template <class S = float>
struct AdversarialLoss {
  /// The discriminator's loss; writes `dreal` and `dfake`.
  std::function<S(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake)> discriminator;

  /// The generator's loss; writes `dfake` (no gradient reaches a generator by way of real samples). `real` is
  /// the empty tensor unless `generator_needs_real`.
  std::function<S(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dfake)> generator;

  /// Whether the discriminator must score a real batch for the generator's step too.
  bool generator_needs_real = false;

  /// What it is, with its options: by this checkpoints tell losses apart. Empty: they do not.
  std::string name = {};
};

/// What the minimax and the non-saturating loss want of the discriminator.
struct LabelOptions {
  /// The discriminator's target for real samples. Less than 1, such as 0.9, is one-sided label smoothing
  /// (Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, 2016); the target for generated ones stays 0.
  double real_label = 1.0;
};

namespace internal {

/// mean(bce(real, real_label)) + mean(bce(fake, 0)): the discriminator as a classifier.
template <class S>
auto classify(const LabelOptions& options) {
  const double label = options.real_label;
  require(label > 0 && label <= 1, "adversarial loss: expected a real_label in (0, 1], got ", label);
  return [label](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
    return mean_of(real, dreal, [=](double x, Index) { return bce_term(x, label); }) +
           mean_of(fake, dfake, [](double x, Index) { return bce_term(x, 0); });
  };
}

}  // namespace internal

/// With D = sigmoid(score) and l the label of real samples (Goodfellow et al., 2014):
///
///     discriminator: mean(-l log D(real) - (1 - l) log(1 - D(real))) + mean(-log(1 - D(fake)))
///     generator:     mean(-log D(fake)), whose gradient is large where the discriminator is sure
///
/// Throws Error unless 0 < real_label <= 1.
template <class S = float>
AdversarialLoss<S> non_saturating(const LabelOptions& options = {}) {
  return {.discriminator = internal::classify<S>(options),
          .generator =
              [](const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
                return internal::mean_of(fake, dfake, [](double x, Index) { return internal::bce_term(x, 1); });
              },
          .name = internal::concatenate("non_saturating ", options.real_label)};
}

/// The game of two players with one value (Goodfellow et al., 2014), discriminator as in `non_saturating`:
///
///     generator:     mean(log(1 - D(fake))), whose gradient fades where the discriminator is sure.
///
/// Throws Error unless 0 < real_label <= 1.
template <class S = float>
AdversarialLoss<S> minimax(const LabelOptions& options = {}) {
  return {.discriminator = internal::classify<S>(options),
          .generator =
              [](const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
                return internal::mean_of(fake, dfake, [](double x, Index) {
                  const auto [value, derivative] = internal::bce_term(x, 0);
                  return internal::Term{-value, -derivative};
                });
              },
          .name = internal::concatenate("minimax ", options.real_label)};
}

/// Targets of the least-squares loss.
struct LeastSquaresOptions {
  double real_label = 1;       ///< what the discriminator wants to say of real samples
  double fake_label = 0;       ///< and of generated ones
  double generator_label = 1;  ///< what the generator wants it to say of generated ones
};

/// Scores are drawn to labels by squares instead of being told apart as logits (Mao, Li, Xie, Lau, Wang and Smolley,
/// 2017):
///
///     discriminator: mean((real - real_label)^2) / 2 + mean((fake - fake_label)^2) / 2
///     generator:     mean((fake - generator_label)^2) / 2
///
/// With labels -1, 1 and 0 for fake, real and generator it is a Pearson chi-squared divergence that is minimised.
/// Throws Error unless the labels are finite and real_label differs from fake_label.
template <class S = float>
AdversarialLoss<S> least_squares(const LeastSquaresOptions& options = {}) {
  for (const double label : {options.real_label, options.fake_label, options.generator_label})
    require(is_finite(label), "least_squares: expected finite labels, got ", label);
  require(options.real_label != options.fake_label,
          "least_squares: expected a real_label that differs from fake_label, got ", options.real_label, " for both");
  const auto towards = [](double label, const Tensor<S>& scores, Tensor<S>& dscores) {
    return internal::mean_of(scores, dscores, [=](double x, Index) {
      return internal::Term{(x - label) * (x - label) / 2, x - label};
    });
  };
  return {.discriminator =
              [=](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                return towards(options.real_label, real, dreal) + towards(options.fake_label, fake, dfake);
              },
          .generator = [=](const Tensor<S>&, const Tensor<S>& fake,
                           Tensor<S>& dfake) { return towards(options.generator_label, fake, dfake); },
          .name = internal::concatenate("least_squares ", options.real_label, ' ', options.fake_label, ' ',
                                        options.generator_label)};
}

namespace internal {

/// -mean(fake): the generator's loss where scores are no logits but a height to climb.
template <class S>
S climb(const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
  return mean_of(fake, dfake, [](double x, Index) { return Term{-x, -1}; });
}

}  // namespace internal

/// The discriminator is a critic whose scores estimate how far apart the two distributions are (Arjovsky, Chintala and
/// Bottou, 2017):
///
///     discriminator: mean(fake) - mean(real)
///     generator:     -mean(fake)
///
/// It means something only while the critic cannot be arbitrarily steep: clip its weights (`clip_weights`), penalise
/// its gradient, or normalise its weights, and let it make several steps for each one of the generator.
template <class S = float>
AdversarialLoss<S> wasserstein() {
  return {.discriminator =
              [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                return internal::mean_of(real, dreal,
                                         [](double x, Index) {
                                           return internal::Term{-x, -1};
                                         }) +
                       internal::mean_of(fake, dfake, [](double x, Index) {
                         return internal::Term{x, 1};
                       });
              },
          .generator = internal::climb<S>,
          .name = "wasserstein"};
}

/// The discriminator cares only for samples within its margin or on the wrong side (Lim and Ye, 2017; Miyato, Kataoka,
/// Koyama and Yoshida, 2018):
///
///     discriminator: mean(max(0, 1 - real)) + mean(max(0, 1 + fake)), with slope 0 at the hinges
///     generator:     -mean(fake)
template <class S = float>
AdversarialLoss<S> hinge() {
  // The comparisons are such that a NaN is none of the scores beyond the margin, so it shows in the value.
  return {.discriminator =
              [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                return internal::mean_of(real, dreal,
                                         [](double x, Index) {
                                           return x >= 1 ? internal::Term{0, 0} : internal::Term{1 - x, -1};
                                         }) +
                       internal::mean_of(fake, dfake, [](double x, Index) {
                         return x <= -1 ? internal::Term{0, 0} : internal::Term{1 + x, 1};
                       });
              },
          .generator = internal::climb<S>,
          .name = "hinge"};
}

RIVAL_INSTANTIATE_FUNCTION(non_saturating);
RIVAL_INSTANTIATE_FUNCTION(minimax);
RIVAL_INSTANTIATE_FUNCTION(least_squares);
RIVAL_INSTANTIATE_FUNCTION(wasserstein);
RIVAL_INSTANTIATE_FUNCTION(hinge);

}  // namespace rival
