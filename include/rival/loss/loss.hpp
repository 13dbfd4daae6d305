#pragma once
// Loss: a number to minimise, and its gradient.

#include "rival/core/tensor.hpp"

namespace rival {

/// What a loss function against known targets gives back. Losses of two batches have more than one gradient, and write
/// each to a tensor of the caller's: AdversarialLoss, feature_matching.
template <class S = float>
struct Loss {
  S value = S(0);  ///< the loss itself, a mean
  Tensor<S>
      gradient;  ///< with respect to the first argument, of its shape, and already divided by the size of the mean
};

namespace internal {

/// One term of a mean: f(x) and f'(x).
struct Term {
  double value;
  double derivative;
};

/// Mean of f over all elements of `x`, where f(element, its index) gives a Term; the gradient goes to `dx`.
/// Summed in double, one element after the other, so the result does not depend on threads.
template <class S, class F>
S mean_of(const Tensor<S>& x, Tensor<S>& dx, const F& f) {
  require(!x.empty(), "loss: expected at least one score, got ", x.shape());
  dx.resize(x.shape());
  const double share = 1.0 / static_cast<double>(x.size());
  double sum = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const Term term = f(static_cast<double>(x[i]), i);
    sum += term.value;
    dx[i] = static_cast<S>(term.derivative * share);
  }
  return static_cast<S>(sum * share);
}

}  // namespace internal

}  // namespace rival
