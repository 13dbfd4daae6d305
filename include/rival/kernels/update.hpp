#pragma once
// The elementwise update of parameters: one sweep over value, gradient and what the optimiser keeps for them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "rival/core/eigen.hpp"
#include "rival/core/shape.hpp"

namespace rival::internal {

/// The elements that a sweep holds at a time: a cache line. Of fixed size, so that arithmetic on it is all packets.
template <class S>
using Line = Eigen::Array<S, static_cast<int>(64 / sizeof(S)), 1>;

/// A run of elements of one parameter: `value` and the tensors kept for it are made of those before, which may be the
/// same memory, and of `grad`. All start on a cache line.
template <class S>
struct Run {
  static constexpr std::size_t max_kept = 3;
  const S* value_before;
  std::array<const S*, max_kept> kept_before;
  S* value;
  std::array<S*, max_kept> kept;
  S* grad;
  Index count;
};

/// Calls rule(value, grad, kept...) with each Line of the run and of the first `Kept` tensors kept for it, writes what
/// the rule makes of them, and sets the gradient to zero. The last line is filled up with zeros: no element is
/// rounded in another way than the others.
template <std::size_t Kept, class S, class Rule>
void sweep(const Run<S>& run, const Rule& rule) {
  using L = Line<S>;
  using LineMap = Eigen::Map<L, Eigen::Aligned64>;
  using ConstLineMap = Eigen::Map<const L, Eigen::Aligned64>;
  constexpr Index width = L::SizeAtCompileTime;
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    Index i = 0;
    for (; i + width <= run.count; i += width) {
      L value = ConstLineMap(run.value_before + i), grad = ConstLineMap(run.grad + i);
      std::array<L, Kept> kept{ConstLineMap(run.kept_before[K] + i)...};
      rule(value, grad, kept[K]...);
      LineMap(run.value + i) = value;
      LineMap(run.grad + i).setZero();
      ((LineMap(run.kept[K] + i) = kept[K]), ...);
    }
    if (const Index rest = run.count - i; rest > 0) {
      const auto load = [&](const S* from) {
        L line = L::Zero();
        std::copy_n(from + i, rest, line.data());
        return line;
      };
      L value = load(run.value_before), grad = load(run.grad);
      std::array<L, Kept> kept{load(run.kept_before[K])...};
      rule(value, grad, kept[K]...);
      std::copy_n(value.data(), rest, run.value + i);
      std::fill_n(run.grad + i, rest, S(0));
      (std::copy_n(kept[K].data(), rest, run.kept[K] + i), ...);
    }
  }
  (std::make_index_sequence<Kept>{});
}

}  // namespace rival::internal
