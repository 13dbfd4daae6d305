#pragma once
// What every trainer asks of networks, batches, losses and states.

#include "rival/core/finite.hpp"
#include "rival/core/labels.hpp"
#include "rival/nn/network.hpp"
#include "rival/train/fit_options.hpp"

namespace rival::internal {

/// Real samples and their labels, one a sample, or none.
template <class S>
struct Batch {
  const Tensor<S>& images;
  Labels labels;
};

/// Throws Error unless they are samples that the network is made for, with as many labels or none.
template <class S>
void require_batch(const Network<S>& network, const Batch<S>& batch) {
  const Shape& shape = batch.images.shape();
  require(shape.rank() >= 1 && shape[0] >= 1 && shape.sample() == network.input_shape(), "network \"", network.name(),
          "\": expected a batch of ", network.input_shape(), ", got ", shape);
  require(batch.labels.empty() || static_cast<Index>(batch.labels.size()) == shape[0], "trainer: expected ", shape[0],
          " labels, one a sample, got ", batch.labels.size());
}

/// A network whose weights are all zero would train to nothing without a word.
template <class S>
void require_weights(Network<S>& network) {
  bool zero = false;
  for (const auto* parameter : network.parameters()) {
    if (parameter->value.rank() < 2) continue;
    if ((parameter->value.array() != S(0)).any()) return;
    zero = true;
  }
  require(!zero, "trainer: expected weights in network \"", network.name(),
          "\", got zeros; call its initialise() first");
}

/// Throws Diverged for the loss of a step that is not finite.
template <class S>
void require_finite_loss(S loss, const char* whose, long step) {
  if (!is_finite(loss)) [[unlikely]]
    throw Diverged(concatenate("training stopped at step ", step, ": expected a finite loss of the ", whose, ", got ",
                               loss, "; try a smaller learning rate"));
}

/// Throws Error for numbers that no trainer has.
inline void require_state(const FitState& s) {
  require(s.steps >= 0 && s.run >= 0 && s.average_steps >= 0 && s.fits >= 0 && s.fit_steps >= 0,
          "trainer: expected a state of numbers >= 0, got ", s.steps, " steps of ", s.run, ", ", s.average_steps,
          " of the average, ", s.fits, " fits and ", s.fit_steps, " steps of the last");
}

}  // namespace rival::internal
