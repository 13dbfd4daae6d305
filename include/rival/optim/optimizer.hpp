#pragma once
// Optimizer: what all optimisers share. It owns their state, walks over all parameters, and calls one update rule.

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/finite.hpp"
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
  /// Throws Error, and changes nothing, when a parameter has changed its size, or a schedule gives no sensible number.
  void step() { run_step(false); }

  /// The same, but writes beside what was before, for `undo`. That takes as much memory again as values and kept
  /// tensors, and moves the memory of these from one place to the other.
  void step_undoably() { run_step(true); }
  /// Takes the last `step_undoably` back, and all steps since: values, kept tensors and the number of steps are as
  /// before it, gradients are zero. Once only; without such a step nothing happens.
  void undo() {
    if (!undoable_) return;
    swap_with_before();
    steps_ = steps_before_;
    undoable_ = false;
    zero_gradients();
  }
  /// Forgets it: from here on there is nothing to take back.
  void forget_undo() { undoable_ = false; }

  /// Sets every gradient to zero: for throwing away the gradients of a step that is not to be made.
  void zero_gradients() {
    for (auto* parameter : parameters_) parameter->grad.fill(S(0));
  }

  /// The rate of the next step: the options' one times the schedule's factor. Throws Error for a factor that is
  /// negative or not finite.
  double learning_rate() const {
    if (!schedule_) return base_rate_;
    const double factor = schedule_(steps_, run_);
    check(factor >= 0 && is_finite(static_cast<S>(base_rate_ * factor)), "a schedule that gives a finite factor >= 0",
          factor);
    return base_rate_ * factor;
  }
  /// The rate that the schedule multiplies: the options' one, or what was set since.
  double base_learning_rate() const { return base_rate_; }
  /// Sets the rate that the schedule multiplies. Throws Error unless it is finite and >= 0.
  void set_learning_rate(double rate) {
    check(rate >= 0 && is_finite(static_cast<S>(rate)), "a finite learning_rate >= 0", rate);
    base_rate_ = rate;
  }

  /// How many steps have been made. Setting it moves the schedule, and Adam's bias correction, to that place.
  long steps() const { return steps_; }
  /// Goes on from that many steps. Throws Error for a number below 0.
  void set_steps(long steps) {
    require(steps >= 0, kind_, ": expected steps >= 0, got ", steps);
    steps_ = steps;
  }

  /// How many steps the whole run will have, for schedules over the run; 0 where nobody knows.
  long run() const { return run_; }
  /// Tells it how long the run is. Throws Error for a number below 0.
  void set_run(long steps) {
    require(steps >= 0, kind_, ": expected a run of steps >= 0, got ", steps);
    run_ = steps;
  }

  /// Such as "adam".
  std::string_view kind() const { return kind_; }
  /// The parameters that it changes, as they were given.
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
      const std::string& name = parameters_[p]->name;
      const Tensor<S>&value = parameters_[p]->value, &grad = parameters_[p]->grad;
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
    require(condition && is_finite(got), kind_, ": expected ", expected, ", got ", got);
  }

 private:
  /// What a thread takes at a time, in elements; a multiple of a cache line.
  static constexpr Index block_size = 16384;

  struct Block {
    std::size_t parameter;
    Index begin, count;
  };

  void run_step(bool undoable) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const auto& p = *parameters_[i];
      const Index size = sizes_[i];
      require(p.value.size() == size && p.grad.size() == size, kind_, ": parameter \"", p.name, "\" had ", size,
              " elements, now its value has ", p.value.size(), " and its gradient ", p.grad.size());
    }
    const double rate = learning_rate();
    prepare(rate);
    if (undoable) make_room();
    ++steps_;
    parallel_for(static_cast<Index>(blocks_.size()), work_, [&](Index i) {
      const auto& [p, begin, count] = blocks_[static_cast<std::size_t>(i)];
      internal::Run<S> run{};
      run.value = parameters_[p]->value.data() + begin;
      run.value_before = undoable ? before_[p][0].data() + begin : run.value;
      for (std::size_t k = 0; k < kept_.size(); ++k) {
        run.kept[k] = state_[p][k].data() + begin;
        run.kept_before[k] = undoable ? before_[p][k + 1].data() + begin : run.kept[k];
      }
      run.grad = parameters_[p]->grad.data() + begin;
      run.count = count;
      update(run);
    });
  }

  /// Puts what there is aside, where it stays as it is, and gives values and kept tensors room to be written to.
  void make_room() {
    if (before_.empty()) {
      std::vector<std::vector<Tensor<S>>> room;
      for (const auto* parameter : parameters_)
        room.emplace_back(1 + kept_.size(), Tensor<S>(parameter->value.shape()));
      before_.swap(room);
    }
    swap_with_before();
    steps_before_ = steps_;
    undoable_ = true;
  }
  void swap_with_before() {
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      parameters_[p]->value.swap(before_[p][0]);
      for (std::size_t k = 0; k < kept_.size(); ++k) state_[p][k].swap(before_[p][k + 1]);
    }
  }

  std::string_view kind_;
  std::vector<Parameter<S>*> parameters_;
  double base_rate_ = 0;
  Schedule schedule_;
  long steps_ = 0, run_ = 0;
  std::vector<std::string> kept_;
  std::vector<std::vector<Tensor<S>>> state_;   // by parameter, then as in kept_
  std::vector<std::vector<Tensor<S>>> before_;  // by parameter: the value and what is kept, before an undoable step
  long steps_before_ = 0;
  bool undoable_ = false;
  std::vector<Index> sizes_;  // by parameter
  std::vector<Block> blocks_;
  double work_ = 0;
};

RIVAL_INSTANTIATE_CLASS(Optimizer);

}  // namespace rival
