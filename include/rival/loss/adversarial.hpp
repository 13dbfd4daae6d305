#pragma once
// Adversarial losses: what the discriminator and the generator each minimise, as functions of the
// discriminator's scores.

#include <functional>

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
  std::function<S(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake)>
      discriminator;

  /// The generator's loss; writes `dfake` (no gradient reaches a generator by way of real samples). `real` is
  /// the empty tensor unless `generator_needs_real`.
  std::function<S(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dfake)> generator;

  /// Whether the discriminator must score a real batch for the generator's step too.
  bool generator_needs_real = false;
};

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
///   discriminator: mean(-l log D(real) - (1 - l) log(1 - D(real))) + mean(-log(1 - D(fake)))
///   generator:     mean(-log D(fake)), whose gradient is large where the discriminator is sure
/// Throws Error unless 0 < real_label <= 1.
template <class S = float>
AdversarialLoss<S> non_saturating(const LabelOptions& options = {}) {
  return {.discriminator = internal::classify<S>(options),
          .generator = [](const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
            return internal::mean_of(fake, dfake, [](double x, Index) { return internal::bce_term(x, 1); });
          }};
}

/// The game of two players with one value (Goodfellow et al., 2014), discriminator as in `non_saturating`:
///   generator:     mean(log(1 - D(fake))), whose gradient fades where the discriminator is sure.
/// Throws Error unless 0 < real_label <= 1.
template <class S = float>
AdversarialLoss<S> minimax(const LabelOptions& options = {}) {
  return {.discriminator = internal::classify<S>(options),
          .generator = [](const Tensor<S>&, const Tensor<S>& fake, Tensor<S>& dfake) {
            return internal::mean_of(fake, dfake, [](double x, Index) {
              const auto [value, derivative] = internal::bce_term(x, 0);
              return internal::Term{-value, -derivative};
            });
          }};
}

}  // namespace rival
