#pragma once
// Gradient penalties: a discriminator pays for the size of its score's gradient with respect to its input. Exact to the
// second derivative; docs/design/penalties.md derives it.

#include <cmath>
#include <utility>

#include "rival/gan/discriminator.hpp"
#include "rival/optim/schedule.hpp"

namespace rival {

/// Which penalty it is, by the name of the function that makes one.
enum class PenaltyKind {
  r1,       ///< see rival::r1
  r2,       ///< see rival::r2
  wgan_gp,  ///< see rival::wgan_gp
  dragan    ///< see rival::dragan
};

/// A penalty on g, the gradient of a sample's score with respect to the sample; the mean over the batch is added to the
/// discriminator's loss.
struct Penalty {
  PenaltyKind kind = PenaltyKind::r1;  ///< where the gradient is taken, and what of it is penalised
  double weight = 1;                   ///< gamma or lambda in the formula
  /// Multiplies the weight, by the number of discriminator steps already made; empty for 1.
  Schedule schedule = {};
  /// Lazy regularisation: at one in `every` discriminator steps, with `every` times the weight (Karras et al., 2020).
  long every = 1;
};

/// gamma / 2 |g|^2 at real samples (Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually
/// converge?", 2018).
inline Penalty r1(double gamma, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::r1, gamma, std::move(schedule), every};
}
/// gamma / 2 |g|^2 at generated samples (the same paper).
inline Penalty r2(double gamma, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::r2, gamma, std::move(schedule), every};
}
/// lambda (|g| - 1)^2 at x + u (y - x) for a real x, a generated y and u uniform in [0, 1), drawn for each sample
/// (Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017).
inline Penalty wgan_gp(double lambda = 10, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::wgan_gp, lambda, std::move(schedule), every};
}
/// lambda (|g| - 1)^2 at x + s u / 2 for a real x, s the standard deviation of all values of the real batch and u
/// uniform in [0, 1), drawn for each value (Kodali, Abernethy, Hays and Kira, "On convergence and stability of GANs",
/// 2017, and its code).
inline Penalty dragan(double lambda = 10, Schedule schedule = {}, long every = 1) {
  return {PenaltyKind::dragan, lambda, std::move(schedule), every};
}

/// The backward pass of a discriminator whose loss has a gradient penalty in it.
///
/// With v the derivative of the penalty with respect to g, held fixed, the penalty's gradient with respect to the
/// parameters is the derivative, along v, of the parameters' gradient of the summed scores. So it takes, after the
/// forward and the backward pass that give g, the tangents of both. Where the discriminator is piecewise linear one
/// more forward pass does, and with it the gradient of the adversarial loss is had at once: if c is that of the scores,
/// then by running x + v / c through the same affine maps and taking the weights' gradients there for c.
template <class S = float>
class GradientPenalty {
 public:
  /// What is charged for a gradient of length |g|: weight / 2 |g|^2, or weight (|g| - 1)^2 if `one_centred`.
  struct Charge {
    double weight = 1;         ///< gamma, or lambda if `one_centred`
    bool one_centred = false;  ///< lengths other than 1 are charged, instead of those other than 0
  };

  /// Adds to every parameter's gradient that of the loss whose gradient with respect to the discriminator's output is
  /// `dscores` (null: there is none), plus that of the mean charge over the batch, which it returns. `trace` is that of
  /// a `forward`. The score is the first column of the output. Throws Error when a layer has no tangents.
  double backward(Discriminator<S>& discriminator, Trace<S>& trace, const Tensor<S>* dscores, const Charge& charge) {
    discriminator.require_pass(trace, "a gradient penalty");
    const bool linear = discriminator.curvature() == Curvature::linear;
    const Tensor<S>& x = *trace.input;
    const Index rows = trace.output.dim(0), heads = trace.output.size() / rows, size = x.size() / rows;
    const bool short_form = linear && heads == 1 && dscores && invertible(*dscores);
    if (!short_form) {
      unit_.resize(trace.output.shape());
      unit_.fill(S(0));
      for (Index i = 0; i < rows; ++i) unit_[i * heads] = S(1);
    }
    const Tensor<S>& seeds = short_form ? *dscores : unit_;
    const Tensor<S>& g = discriminator.backward(trace, seeds, {.input = true, .keep = true});

    tangent_.resize(x.shape());
    charges_.resize({rows});
    parallel_for(rows, static_cast<double>(x.size()), [&](Index i) {
      const ConstArrayMap<S> g_here(g.data() + i * size, size);
      ArrayMap<S> tangent(tangent_.data() + i * size, size);
      const double seed = static_cast<double>(seeds[i * heads]);
      const double length = std::sqrt(static_cast<double>(g_here.square().sum())) / std::abs(seed);
      const double away = charge.one_centred ? length - 1 : length;
      charges_[i] = charge.weight * (charge.one_centred ? away * away : length * length / 2);
      // The derivative of the charge with respect to |g|, over |g|; at g = 0 that of the one-centred charge is taken
      // for 0.
      const double factor = !charge.one_centred ? charge.weight : length > 0 ? 2 * charge.weight * away / length : 0;
      tangent = static_cast<S>(factor / static_cast<double>(rows) / seed / (short_form ? seed : 1)) * g_here;
      if (short_form) tangent += ConstArrayMap<S>(x.data() + i * size, size);
    });
    discriminator.backward_tangent(trace, seeds, short_form ? nullptr : dscores, tangent_, short_form);

    return charges_.array().mean();
  }

 private:
  /// Whether v / c can be had: hinge losses have gradients c of 0, and squares of tiny ones underflow.
  static bool invertible(const Tensor<S>& dscores) {
    const S least = static_cast<S>(1e-10 / static_cast<double>(dscores.size()));
    return (dscores.array().abs() >= least).all();
  }

  Tensor<S> unit_, tangent_;
  Tensor<double> charges_;
};

RIVAL_INSTANTIATE_CLASS(GradientPenalty);

}  // namespace rival
