#pragma once
// WholeStep: a training step that is made as a whole, or leaves no trace.

#include <cstddef>
#include <utility>
#include <vector>

#include "rival/nn/network.hpp"
#include "rival/optim/optimizer.hpp"
#include "rival/train/fit_options.hpp"

namespace rival::internal {

/// Copies of a network's buffers and of the places of its streams, which forward passes move: some kilobytes.
/// Parameters are changed by optimisers alone, which take their steps back themselves.
template <class S>
class StepMemory {
 public:
  explicit StepMemory(Network<S>& network) : state_(network.state()), streams_(state_.streams.size()) {
    for (const auto* buffer : state_.buffers) buffers_.push_back(buffer->value);
  }

  void take() {
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i] = state_.buffers[i]->value;
    for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i] = state_.streams[i].second->position();
  }
  void give_back() {
    for (std::size_t i = 0; i < buffers_.size(); ++i) state_.buffers[i]->value = buffers_[i];
    for (std::size_t i = 0; i < streams_.size(); ++i) *state_.streams[i].second = Random(streams_[i]);
  }

 private:
  State<S> state_;
  std::vector<Tensor<S>> buffers_;
  std::vector<Random::Position> streams_;
};

/// The networks and optimisers that a step changes.
template <class S>
class WholeStep {
 public:
  WholeStep(const std::vector<Network<S>*>& networks, std::vector<Optimizer<S>*> optimizers)
      : optimizers_(std::move(optimizers)) {
    for (auto* network : networks) memories_.emplace_back(*network);
  }

  /// Runs body(report). What it throws is thrown on, when networks, optimisers and the trainer's state are as before,
  /// and all gradients zero. Optimisers whose step is not the last thing that may fail make it by step_undoably.
  template <class Trainer, class Body>
  StepReport run(Trainer& trainer, const Body& body) {
    const auto before = trainer.state();
    for (auto& memory : memories_) memory.take();
    for (auto* optimizer : optimizers_) optimizer->forget_undo();  // steps of the caller's own stay
    StepReport report;
    try {
      body(report);
    } catch (...) {
      for (auto* optimizer : optimizers_) {
        optimizer->undo();
        optimizer->zero_gradients();
      }
      for (auto& memory : memories_) memory.give_back();
      trainer.set_state(before);
      throw;
    }
    for (auto* optimizer : optimizers_) optimizer->forget_undo();
    return report;
  }

 private:
  std::vector<Optimizer<S>*> optimizers_;
  std::vector<StepMemory<S>> memories_;
};

}  // namespace rival::internal
