#pragma once
// Losses against known targets. Each is a mean, as PyTorch's default is.
//
// Every function has two forms: one that writes to a Loss which is used again from step to step, and
// allocates nothing once warm, and one that returns a new Loss.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

#include "rival/loss/loss.hpp"

namespace rival {

namespace internal {

/// -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)) = max(x, 0) - x t + log(1 + e^-|x|), with derivative
/// sigmoid(x) - t. Neither overflows, and no digits cancel where x has the sign that the target asks for.
inline Term bce_term(double x, double t) {
  const double e = std::exp(-std::abs(x)), tail = e / (1 + e);
  return x > 0 ? Term{x * (1 - t) + std::log1p(e), (1 - t) - tail} : Term{-x * t + std::log1p(e), tail - t};
}

inline void check_target(double t) {
  require(t >= 0 && t <= 1, "bce_with_logits: expected targets in [0, 1], got ", t);
}

}  // namespace internal

/// Binary cross-entropy on logits: the mean over all scores of -t log(sigmoid(x)) - (1 - t) log(1 -
/// sigmoid(x)). Throws Error for a target outside of [0, 1].
template <class S>
void bce_with_logits(const Tensor<S>& scores, std::type_identity_t<S> target, Loss<S>& out) {
  const double t = static_cast<double>(target);
  internal::check_target(t);
  out.value = internal::mean_of(scores, out.gradient, [=](double x, Index) { return internal::bce_term(x, t); });
}

/// The same with a target for each score. Throws Error unless `targets` has the shape of `scores`.
template <class S>
void bce_with_logits(const Tensor<S>& scores, const Tensor<S>& targets, Loss<S>& out) {
  require(targets.shape() == scores.shape(), "bce_with_logits: expected targets of ", scores.shape(), ", got ",
          targets.shape());
  out.value = internal::mean_of(scores, out.gradient, [&](double x, Index i) {
    const double t = static_cast<double>(targets[i]);
    internal::check_target(t);
    return internal::bce_term(x, t);
  });
}

/// The target is a number or a tensor.
template <class S, class Target>
Loss<S> bce_with_logits(const Tensor<S>& scores, const Target& target) {
  Loss<S> out;
  if constexpr (std::is_arithmetic_v<Target>)
    bce_with_logits(scores, static_cast<S>(target), out);
  else
    bce_with_logits(scores, target, out);
  return out;
}

/// Softmax cross-entropy: the mean over the rows of log(sum_j e^x_j) - x_label; the gradient is (softmax -
/// one-hot) / rows. `logits` is {N, classes}; `labels`, any contiguous list of integers, has one of 0 ...
/// classes - 1 for each row. With `smoothing` the target is not the one-hot row but (1 - smoothing) one-hot +
/// smoothing / classes (Szegedy et al., 2016), and the loss -sum_j target_j log softmax_j. Throws Error for another
/// number of labels, for a label out of range, and unless 0 <= smoothing < 1.
template <class S, class Labels>
void softmax_cross_entropy(const Tensor<S>& logits, const Labels& labels, Loss<S>& out, double smoothing = 0) {
  const Index rows = logits.rows(), classes = logits.cols();
  require(rows > 0, "softmax_cross_entropy: expected at least one row of logits, got ", logits.shape());
  require(static_cast<Index>(std::size(labels)) == rows, "softmax_cross_entropy: expected ", rows,
          " labels, one a row of logits, got ", std::size(labels));
  require(smoothing >= 0 && smoothing < 1, "softmax_cross_entropy: expected 0 <= smoothing < 1, got ", smoothing);
  const double others = smoothing / static_cast<double>(classes), own = 1 - smoothing + others;  // targets
  out.gradient.resize(logits.shape());
  const double share = 1.0 / static_cast<double>(rows);
  double sum = 0;
  for (Index row = 0; row < rows; ++row) {
    const auto label = static_cast<Index>(std::data(labels)[row]);
    require(label >= 0 && label < classes, "softmax_cross_entropy: expected labels from 0 to ", classes - 1, ", got ",
            label, " in row ", row);
    const S* x = logits.data() + row * classes;
    S* dx = out.gradient.data() + row * classes;
    // Relative to the largest logit nothing overflows.
    const double largest = static_cast<double>(*std::max_element(x, x + classes));
    double total = 0;
    for (Index c = 0; c < classes; ++c) total += std::exp(static_cast<double>(x[c]) - largest);
    for (Index c = 0; c < classes; ++c) {
      const double softmax = std::exp(static_cast<double>(x[c]) - largest) / total;
      dx[c] = static_cast<S>((softmax - (c == label ? own : others)) * share);
    }
    sum += own * (std::log(total) - (static_cast<double>(x[label]) - largest));
    if (smoothing > 0)
      for (Index c = 0; c < classes; ++c)
        if (c != label) sum += others * (std::log(total) - (static_cast<double>(x[c]) - largest));
  }
  out.value = static_cast<S>(sum * share);
}

/// The same, returned with a gradient of its own memory.
template <class S, class Labels>
Loss<S> softmax_cross_entropy(const Tensor<S>& logits, const Labels& labels, double smoothing = 0) {
  Loss<S> out;
  softmax_cross_entropy(logits, labels, out, smoothing);
  return out;
}

/// Mean squared error: the mean over all elements of (x - y)^2; the gradient is that with respect to x.
/// Throws Error unless both have the same shape.
template <class S>
void mean_squared_error(const Tensor<S>& x, const Tensor<S>& y, Loss<S>& out) {
  require(x.shape() == y.shape(), "mean_squared_error: expected two tensors of one shape, got ", x.shape(), " and ",
          y.shape());
  out.value = internal::mean_of(x, out.gradient, [&](double value, Index i) {
    const double difference = value - static_cast<double>(y[i]);
    return internal::Term{difference * difference, 2 * difference};
  });
}

/// The same, returned with a gradient of its own memory.
template <class S>
Loss<S> mean_squared_error(const Tensor<S>& x, const Tensor<S>& y) {
  Loss<S> out;
  mean_squared_error(x, y, out);
  return out;
}

}  // namespace rival
