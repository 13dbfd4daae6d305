#pragma once
// What goes wrong in a training, said on the terminal and in the report.

#include <cstdint>
#include <memory>

#include "common/report.hpp"
#include "common/run.hpp"
#include "rival/gan/trainer.hpp"

namespace rival {
template <class S>
class Health;
}

class Watch {
 public:
  /// Three samples and fewer say nothing about a training.
  Watch(rival::AdversarialTrainer<>& trainer, const rival::Dataset& data, std::uint64_t seed);
  ~Watch();

  /// To be called after each step, before `run.step`.
  void step(const rival::StepReport& step, Run& run, Report& report);

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

 private:
  std::unique_ptr<rival::Health<float>> health_;
};
