#pragma once
// StepMemory: what networks change on the way through a training step, kept so that a step that fails leaves no trace.

#include <cstddef>
#include <vector>

#include "rival/nn/network.hpp"

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

}  // namespace rival::internal
