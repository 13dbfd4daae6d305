#pragma once
// Optimizer: what all optimisers share. It owns their state, walks over all parameters, and calls one update rule.

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/kernels/update.hpp"
#include "rival/nn/parameter.hpp"
#include "rival/optim/schedule.hpp"

namespace rival {

/// Changes parameters by their gradients: `step()` after the backward passes. One step counter serves all parameters.
///
/// The parameters stay the network's, which must be neither moved nor destroyed while the optimiser is used.
///
/// A new rule derives from this class, names the tensors it keeps for each parameter, and overrides `update`.
template <class S = float>
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Changes every value by its gradient and sets the gradient to zero, in one pass over memory.
  /// Throws Error when a parameter has changed its size.
  void step() {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const auto& p = *parameters_[i];
      const Index size = sizes_[i];
      require(p.value.size() == size && p.grad.size() == size, kind_, ": parameter \"", p.name, "\" had ", size,
              " elements, now its value has ", p.value.size(), " and its gradient ", p.grad.size());
    }
    const double rate = learning_rate();
    prepare(rate);
    ++steps_;
    parallel_for(static_cast<Index>(blocks_.size()), work_, [&](Index i) {
      const auto& [p, begin, count] = blocks_[static_cast<std::size_t>(i)];
      internal::Run<S> run{parameters_[p]->value.data() + begin, parameters_[p]->grad.data() + begin, {}, count};
      for (std::size_t k = 0; k < kept_.size(); ++k) run.kept[k] = state_[p][k].data() + begin;
      update(run);
    });
  }

  /// Sets every gradient to zero: for throwing away the gradients of a step that is not to be made.
  void zero_gradients() {
    for (auto* parameter : parameters_) parameter->grad.fill(S(0));
  }

  /// The rate of the next step: the options' one times the schedule's factor.
  double learning_rate() const { return schedule_ ? base_rate_ * schedule_(steps_) : base_rate_; }
  /// Sets the rate that the schedule multiplies. Throws Error unless it is finite and >= 0.
  void set_learning_rate(double rate) {
    check(rate >= 0, "a finite learning_rate >= 0", rate);
    base_rate_ = rate;
  }

  /// How many steps have been made. Setting it moves the schedule, and Adam's bias correction, to that place.
  long steps() const { return steps_; }
  void set_steps(long steps) {
    require(steps >= 0, kind_, ": expected steps >= 0, got ", steps);
    steps_ = steps;
  }

  /// Such as "adam".
  std::string_view kind() const { return kind_; }
  const std::vector<Parameter<S>*>& parameters() const { return parameters_; }

  /// The tensors that are kept from step to step, as "D.conv1.weight.first_moment": together with steps() and the
  /// parameters' values they are all that it takes to go on with the same bits.
  std::vector<std::pair<std::string, Tensor<S>*>> state() {
    std::vector<std::pair<std::string, Tensor<S>*>> all;
    for (std::size_t p = 0; p < parameters_.size(); ++p)
      for (std::size_t k = 0; k < kept_.size(); ++k)
        all.emplace_back(parameters_[p]->name + "." + kept_[k], &state_[p][k]);
    return all;
  }

 protected:
  /// `kept` names the tensors, zero at first, that the rule keeps for each parameter; at most Run::max_kept.
  /// Throws Error for parameters that are null, listed twice or unlike their gradient, and for a bad learning rate.
  Optimizer(std::string_view kind, std::vector<Parameter<S>*> parameters, double learning_rate, Schedule schedule,
            std::vector<std::string> kept)
      : kind_(kind), parameters_(std::move(parameters)), schedule_(std::move(schedule)), kept_(std::move(kept)) {
    set_learning_rate(learning_rate);
    std::set<const Parameter<S>*> seen;
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      require(parameters_[p] != nullptr, kind_, ": expected parameters, got a null pointer at place ", p);
      const auto& [name, value, grad] = *parameters_[p];
      require(seen.insert(parameters_[p]).second, kind_, ": parameter \"", name, "\" is listed twice");
      require(value.shape() == grad.shape(), kind_, ": parameter \"", name, "\" is ", value.shape(), ", its gradient ",
              grad.shape());
      sizes_.push_back(value.size());
      for (Index begin = 0; begin < value.size(); begin += block_size)
        blocks_.push_back({p, begin, std::min(block_size, value.size() - begin)});
      work_ += 4.0 * static_cast<double>(value.size());
      state_.emplace_back(kept_.size(), Tensor<S>(value.shape()));
    }
  }

  /// Called once a step, with steps() not yet counting it: the place to work out the step's constants, or to throw.
  virtual void prepare(double learning_rate) = 0;
  /// Applies the rule to `run` through internal::sweep. Runs come in any order and on any thread.
  virtual void update(const internal::Run<S>& run) const = 0;

  /// Throws Error unless the option's value is finite and `condition` holds.
  void check(bool condition, const char* expected, double got) const {
    require(condition && std::isfinite(got), kind_, ": expected ", expected, ", got ", got);
  }

 private:
  /// What a thread takes at a time, in elements; a multiple of a cache line.
  static constexpr Index block_size = 16384;

  struct Block {
    std::size_t parameter;
    Index begin, count;
  };

  std::string_view kind_;
  std::vector<Parameter<S>*> parameters_;
  double base_rate_ = 0;
  Schedule schedule_;
  long steps_ = 0;
  std::vector<std::string> kept_;
  std::vector<std::vector<Tensor<S>>> state_;  // by parameter, then as in kept_
  std::vector<Index> sizes_;                   // by parameter
  std::vector<Block> blocks_;
  double work_ = 0;
};

RIVAL_INSTANTIATE_CLASS(Optimizer);

}  // namespace rival
