#pragma once
// Relativistic losses: how much more real the real samples look than the generated ones, not how real each of them
// looks.

#include "rival/loss/adversarial.hpp"

namespace rival {

namespace internal {

/// mean(softplus(+-(fake_i - real_i))): bce_term of the differences with target 0 for +, and 1 for -. Writes `dfake`;
/// the gradient with respect to `real` is its negative.
template <class S>
S pair_up(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dfake, double target) {
  require(real.size() == fake.size(), "relativistic_pairing: expected as many real scores as generated ones, got ",
          real.size(), " and ", fake.size());
  return mean_of(fake, dfake, [&](double x, Index i) { return bce_term(x - static_cast<double>(real[i]), target); });
}

/// The mean of all elements, in double.
template <class S>
double mean_score(const Tensor<S>& x) {
  require(!x.empty(), "relativistic_average: expected at least one real and one generated score, got ", x.shape());
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]);
  return sum / static_cast<double>(x.size());
}

/// The mean of bce_term(x_i - shift, target), and of its derivatives.
template <class S>
Term mean_bce(const Tensor<S>& x, double shift, double target) {
  Term sum{0, 0};
  for (Index i = 0; i < x.size(); ++i) {
    const Term term = bce_term(static_cast<double>(x[i]) - shift, target);
    sum.value += term.value;
    sum.derivative += term.derivative;
  }
  const auto size = static_cast<double>(x.size());
  return {sum.value / size, sum.derivative / size};
}

/// mean(bce(real - mean(fake), real_target)) + mean(bce(fake - mean(real), fake_target)). Writes the gradient with
/// respect to `fake`, and to `real` unless `dreal` is null. A score of one batch also moves the other batch's term, by
/// way of the mean: by -1/size of that term's mean derivative.
template <class S>
S against_means(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>* dreal, Tensor<S>& dfake, double real_target,
                double fake_target) {
  const double real_mean = mean_score(real), fake_mean = mean_score(fake);
  const Term of_real = mean_bce(real, fake_mean, real_target), of_fake = mean_bce(fake, real_mean, fake_target);
  const auto write = [](const Tensor<S>& x, double shift, double target, const Term& other, Tensor<S>& dx) {
    mean_of(x, dx, [&](double score, Index) {
      return Term{0, bce_term(score - shift, target).derivative - other.derivative};
    });
  };
  if (dreal != nullptr) write(real, fake_mean, real_target, of_fake, *dreal);
  write(fake, real_mean, fake_target, of_real, dfake);
  return static_cast<S>(of_real.value + of_fake.value);
}

}  // namespace internal

/// Every generated sample against one real sample, pair by pair, with softplus(x) = log(1 + e^x):
///
///     discriminator: mean(softplus(fake_i - real_i))
///     generator:     mean(softplus(real_i - fake_i))
///
/// (Jolicoeur-Martineau, 2018; in this form, with zero-centred gradient penalties on both batches, the loss of R3GAN:
/// Huang, Gokaslan, Kuleshov and Tompkin, 2024.) Both functions throw Error when the batches differ in size.
template <class S = float>
AdversarialLoss<S> relativistic_pairing() {
  return {.discriminator =
              [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal, Tensor<S>& dfake) {
                const S value = internal::pair_up(real, fake, dfake, 0);
                dreal.resize(real.shape());
                dreal.array() = -dfake.array();
                return value;
              },
          .generator = [](const Tensor<S>& real, const Tensor<S>& fake,
                          Tensor<S>& dfake) { return internal::pair_up(real, fake, dfake, 1); },
          .generator_needs_real = true,
          .name = "relativistic_pairing"};
}

/// Every sample against the mean of the other batch (RaGAN, Jolicoeur-Martineau, 2018), with D = sigmoid:
///
///     discriminator: mean(-log D(real - mean(fake))) + mean(-log(1 - D(fake - mean(real))))
///     generator:     mean(-log D(fake - mean(real))) + mean(-log(1 - D(real - mean(fake))))
///
/// The gradients go through the means too, so the generator's goes through both of its terms. The batches may differ in
/// size.
template <class S = float>
AdversarialLoss<S> relativistic_average() {
  return {.discriminator = [](const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dreal,
                              Tensor<S>& dfake) { return internal::against_means(real, fake, &dreal, dfake, 1, 0); },
          .generator = [](const Tensor<S>& real, const Tensor<S>& fake,
                          Tensor<S>& dfake) { return internal::against_means<S>(real, fake, nullptr, dfake, 0, 1); },
          .generator_needs_real = true,
          .name = "relativistic_average"};
}

RIVAL_INSTANTIATE_FUNCTION(relativistic_pairing);
RIVAL_INSTANTIATE_FUNCTION(relativistic_average);

}  // namespace rival
