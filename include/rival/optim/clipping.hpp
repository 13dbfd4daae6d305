#pragma once
// Clipping of gradients and of weights, between the backward passes and the optimiser's step.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/parallel.hpp"
#include "rival/nn/parameter.hpp"

namespace rival {

namespace internal {

/// The sum of squares in double, of blocks that depend on the size alone and in their order.
template <class S>
double sum_of_squares(const Tensor<S>& tensor) {
  constexpr Index most = 256;
  const Index size = tensor.size(), block = std::max<Index>(4096, (size + most - 1) / most);
  std::array<double, most> sums;
  parallel_blocks(size, block, static_cast<double>(size), [&](Index begin, Index end) {
    constexpr std::size_t lanes = 16;  // sums of their own, so that the compiler may use packets
    std::array<double, lanes> lane{};
    const S* x = tensor.data() + begin;
    const S* last = tensor.data() + end;
    for (; last - x >= static_cast<Index>(lanes); x += lanes)
      for (std::size_t i = 0; i < lanes; ++i) lane[i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    for (std::size_t i = 0; x < last; ++x, ++i) lane[i] += static_cast<double>(*x) * static_cast<double>(*x);
    sums[static_cast<std::size_t>(begin / block)] = std::accumulate(lane.begin(), lane.end(), 0.0);
  });
  double total = 0;
  for (Index i = 0; i * block < size; ++i) total += sums[static_cast<std::size_t>(i)];
  return total;
}

/// Brings every element into [-bound, bound]; NaN stays NaN.
template <class S>
void clamp(Tensor<S>& tensor, S bound) {
  parallel_blocks(tensor.size(), 16384, static_cast<double>(tensor.size()), [&](Index begin, Index end) {
    S* x = tensor.data();
    for (Index i = begin; i < end; ++i) x[i] = std::clamp(x[i], -bound, bound);
  });
}

}  // namespace internal

/// Scales all gradients by max_norm / norm if their norm, of all of them as one vector, is above max_norm. Returns the
/// norm before. If that is not finite the gradients are left as they are, and the caller decides what to do.
/// Throws Error unless max_norm > 0.
template <class S>
double clip_gradient_norm(const std::vector<Parameter<S>*>& parameters, double max_norm) {
  require(static_cast<S>(max_norm) > S(0), "clip_gradient_norm: expected max_norm > 0, got ", max_norm,
          max_norm > 0 ? ", which is 0 in the type of the numbers" : "");
  double squares = 0;
  for (const auto* parameter : parameters) squares += internal::sum_of_squares(parameter->grad);
  const double norm = std::sqrt(squares);
  if (is_finite(norm) && norm > max_norm) {
    const S scale = static_cast<S>(max_norm / norm);
    for (auto* parameter : parameters) {
      auto& grad = parameter->grad;
      parallel_blocks(grad.size(), 16384, static_cast<double>(grad.size()),
                      [&](Index begin, Index end) { grad.array().segment(begin, end - begin) *= scale; });
    }
  }
  return norm;
}

/// Brings every element of every gradient into [-bound, bound]. Throws Error unless bound > 0.
template <class S>
void clip_gradient_value(const std::vector<Parameter<S>*>& parameters, double bound) {
  require(static_cast<S>(bound) > S(0), "clip_gradient_value: expected bound > 0, got ", bound,
          bound > 0 ? ", which is 0 in the type of the numbers" : "");
  for (auto* parameter : parameters) internal::clamp(parameter->grad, static_cast<S>(bound));
}

/// Brings every weight into [-bound, bound], as the Wasserstein GAN does after each step of its critic (Arjovsky,
/// Chintala and Bottou, 2017). Throws Error unless bound > 0.
template <class S>
void clip_weights(const std::vector<Parameter<S>*>& parameters, double bound) {
  require(static_cast<S>(bound) > S(0), "clip_weights: expected bound > 0, got ", bound,
          bound > 0 ? ", which is 0 in the type of the numbers" : "");
  for (auto* parameter : parameters) internal::clamp(parameter->value, static_cast<S>(bound));
}

RIVAL_INSTANTIATE_FUNCTION(clip_gradient_norm);
RIVAL_INSTANTIATE_FUNCTION(clip_gradient_value);
RIVAL_INSTANTIATE_FUNCTION(clip_weights);

}  // namespace rival
