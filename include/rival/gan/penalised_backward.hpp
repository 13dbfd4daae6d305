#pragma once
// The discriminator's backward passes in a training step, with the penalties that its options name.

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/gan/penalty.hpp"

namespace rival::internal {

/// One batch of a discriminator step, and what its forward pass left.
template <class S>
struct ScoredBatch {
  const Tensor<S>& samples;
  Labels labels;
  Trace<S>& trace;
  const Tensor<S>& dscores;
};

template <class S>
class PenalisedBackward {
 public:
  /// Throws Error for a kind that comes twice, a weight below 0 and an interval below 1.
  PenalisedBackward(std::vector<Penalty> penalties, std::uint64_t seed)
      : penalties_(std::move(penalties)), random_(Random(seed).stream("penalty")) {
    for (std::size_t i = 0; i < penalties_.size(); ++i) {
      const Penalty& penalty = penalties_[i];
      require(penalty.weight >= 0 && is_finite(penalty.weight), "penalty: expected a finite weight >= 0, got ",
              penalty.weight);
      require(penalty.every >= 1, "penalty: expected an interval of at least 1 step, got ", penalty.every);
      for (std::size_t j = 0; j < i; ++j)
        require(penalties_[j].kind != penalty.kind, "penalty: expected each kind once, got one twice");
    }
  }

  /// Discriminator steps so far, and the stream of points between the batches.
  long steps() const { return steps_; }
  const Random::Position& position() const { return random_.position(); }
  void go_on_from(long steps, const Random::Position& position) {
    steps_ = steps;
    random_ = Random(position);
  }
  /// Discriminator steps of the whole run, for schedules over it.
  void set_run(long steps) { run_ = steps; }

  /// Adds the gradients of both batches' losses and of the penalties that are due; returns the sum of the penalties.
  double backward(Discriminator<S>& discriminator, const ScoredBatch<S>& real, const ScoredBatch<S>& fake) {
    double sum = one_batch(discriminator, real, PenaltyKind::r1) + one_batch(discriminator, fake, PenaltyKind::r2);
    for (const Penalty& penalty : penalties_) {
      if (penalty.kind == PenaltyKind::r1 || penalty.kind == PenaltyKind::r2 || !due(penalty)) continue;
      if (penalty.kind == PenaltyKind::wgan_gp)
        interpolate(real.samples, fake.samples);
      else
        perturb(real.samples);
      discriminator.forward(points_, trace_, real.labels);
      sum += penalty_.backward(discriminator, trace_, nullptr, {.weight = weight(penalty), .one_centred = true});
    }
    ++steps_;
    return sum;
  }

 private:
  double one_batch(Discriminator<S>& discriminator, const ScoredBatch<S>& batch, PenaltyKind kind) {
    for (const Penalty& penalty : penalties_)
      if (penalty.kind == kind && due(penalty))
        return penalty_.backward(discriminator, batch.trace, &batch.dscores, {.weight = weight(penalty)});
    discriminator.backward(batch.trace, batch.dscores, {.parameters = true});
    return 0;
  }

  bool due(const Penalty& penalty) const { return steps_ % penalty.every == 0; }
  double weight(const Penalty& penalty) const {
    const double factor = penalty.schedule ? penalty.schedule(steps_, run_) : 1;
    const double weight = penalty.weight * static_cast<double>(penalty.every) * factor;
    require(factor >= 0 && is_finite(weight), "penalty: expected a schedule that gives a finite factor >= 0, got ",
            factor, " at step ", steps_);
    return weight;
  }

  /// real + u (fake - real), one u a sample.
  void interpolate(const Tensor<S>& real, const Tensor<S>& fake) {
    const Index rows = real.dim(0), size = real.size() / rows;
    noise_.resize({rows});
    random_.fill_uniform(noise_);
    points_.resize(real.shape());
    MatrixMap<S>(points_.data(), rows, size) = ConstMatrixMap<S>(real.data(), rows, size);
    for (Index n = 0; n < rows; ++n)
      ArrayMap<S>(points_.data() + n * size, size) +=
          noise_[n] * (ConstArrayMap<S>(fake.data() + n * size, size) - ConstArrayMap<S>(real.data() + n * size, size));
  }

  /// real + deviation / 2 u, one u a value.
  void perturb(const Tensor<S>& real) {
    const auto values = real.array();
    const S deviation = std::sqrt((values - values.mean()).square().mean());
    points_.resize(real.shape());
    random_.fill_uniform(points_);
    points_.array() = values + deviation / S(2) * points_.array();
  }

  std::vector<Penalty> penalties_;
  Random random_;
  long steps_ = 0, run_ = 0;
  GradientPenalty<S> penalty_;
  Tensor<S> points_, noise_;
  Trace<S> trace_;
};

RIVAL_INSTANTIATE_CLASS(PenalisedBackward);

}  // namespace rival::internal
