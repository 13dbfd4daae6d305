#pragma once
// Schedules: how the learning rate, or another number, changes from step to step.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <type_traits>
#include <utility>

#include "rival/core/error.hpp"
#include "rival/core/finite.hpp"

namespace rival {

/// A factor of the learning rate by the number of steps already made: the first step asks for schedule(0). Any function
/// of that kind will do, and one that takes the number of steps of the whole run beside it (see over_run); an empty one
/// stands for constant(). Where an option says so it is the number itself, no factor.
class Schedule {
 public:
  Schedule() = default;
  /// From a function of the step, or of the step and the run's steps, to a factor.
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Schedule> &&
           (std::is_invocable_r_v<double, F&, long> || std::is_invocable_r_v<double, F&, long, long>))
      Schedule(F function) {  // NOLINT: meant to be implicit
    if constexpr (std::is_invocable_r_v<double, F&, long, long>)
      function_ = std::move(function);
    else
      function_ = [of_step = std::move(function)](long step, long) mutable {
        return static_cast<double>(of_step(step));
      };
  }

  /// Whether there is a function; an empty schedule must not be called.
  explicit operator bool() const { return static_cast<bool>(function_); }
  /// `run` is the number of steps of the whole run, 0 where nobody knows it.
  double operator()(long step, long run = 0) const { return function_(step, run); }

 private:
  std::function<double(long step, long run)> function_;
};

/// The schedule that `make` makes for a run of so many steps, once the run has begun and its length is known:
///
///     over_run([](long steps) { return linear_decay({.steps = steps, .start = steps / 2}); })
///
/// Asked for a number without a run it throws Error: train by `fit`, or tell the trainer how many steps it will make.
inline Schedule over_run(std::function<Schedule(long steps)> make) {
  require(static_cast<bool>(make), "over_run: expected a function that makes a schedule, got none");
  return [make = std::move(make), made = Schedule(), of = 0L](long step, long run) mutable {
    require(run >= 1,
            "over_run: expected a run whose number of steps is known, got none; train by fit, or set "
            "TrainerOptions::steps");
    if (run != of) made = make(run), of = run;
    return made ? made(step, run) : 1.0;
  };
}

/// 1, always.
inline Schedule constant() {
  return [](long) { return 1.0; };
}

/// A factor that falls in steps.
struct StepDecayOptions {
  long every = 0;       ///< steps from one fall to the next
  double factor = 0.1;  ///< of what was before
};
/// factor^floor(step / every): falls at the steps every, 2 every, 3 every ... Throws Error unless every >= 1 and
/// factor >= 0.
inline Schedule step_decay(StepDecayOptions options) {
  require(options.every >= 1, "step_decay: expected every >= 1, got ", options.every);
  require(options.factor >= 0 && is_finite(options.factor), "step_decay: expected a finite factor >= 0, got ",
          options.factor);
  return [=](long step) { return std::pow(options.factor, static_cast<double>(step / options.every)); };
}

/// A factor that falls along half a cosine.
struct CosineOptions {
  long steps = 0;    ///< the step at which the floor is reached
  double floor = 0;  ///< and kept from then on
};
/// floor + (1 - floor) (1 + cos(pi step / steps)) / 2 until `steps`, then floor (Loshchilov and Hutter, 2017, without
/// restarts). Throws Error unless steps >= 1 and floor >= 0.
inline Schedule cosine(CosineOptions options) {
  require(options.steps >= 1, "cosine: expected steps >= 1, got ", options.steps);
  require(options.floor >= 0 && is_finite(options.floor), "cosine: expected a finite floor >= 0, got ", options.floor);
  return [=](long step) {
    const double way = static_cast<double>(std::min(step, options.steps)) / static_cast<double>(options.steps);
    return options.floor + (1 - options.floor) * (1 + std::cos(std::numbers::pi * way)) / 2;
  };
}

/// A factor that falls along a straight line.
struct LinearDecayOptions {
  long steps = 0;    ///< the step at which the floor is reached
  long start = 0;    ///< the last step with the factor 1
  double floor = 0;  ///< kept from `steps` on
};
/// 1 until `start`, then a straight line that reaches `floor` at `steps`, then floor. Throws Error unless
/// 0 <= start < steps and floor >= 0.
inline Schedule linear_decay(LinearDecayOptions options) {
  require(options.start >= 0 && options.start < options.steps, "linear_decay: expected 0 <= start < steps, got start ",
          options.start, " and steps ", options.steps);
  require(options.floor >= 0 && is_finite(options.floor), "linear_decay: expected a finite floor >= 0, got ",
          options.floor);
  return [=](long step) {
    const long done = std::clamp(step, options.start, options.steps) - options.start;
    const double way = static_cast<double>(done) / static_cast<double>(options.steps - options.start);
    return 1 + (options.floor - 1) * way;
  };
}

/// A value that rises or falls along half a cosine.
struct CosineBurnInOptions {
  double from = 0;  ///< the first value
  double to = 0;    ///< the last value
  long steps = 0;   ///< the step at which it is reached
};
/// from + (to - from) (1 - cos(pi step / steps)) / 2 until `steps`, then `to`: values, no factors, for numbers that are
/// to be gentle at first, such as Adam's beta2 or the weight of a gradient penalty (as in R3GAN: Huang, Gokaslan,
/// Kuleshov and Tompkin, 2024). Throws Error unless both values are finite and steps >= 1.
inline Schedule cosine_burn_in(CosineBurnInOptions options) {
  require(options.steps >= 1, "cosine_burn_in: expected steps >= 1, got ", options.steps);
  require(is_finite(options.from) && is_finite(options.to), "cosine_burn_in: expected finite values, got from ",
          options.from, " and to ", options.to);
  return [=](long step) {
    if (step >= options.steps) return options.to;
    const double way = static_cast<double>(step) / static_cast<double>(options.steps);
    return options.from + (options.to - options.from) * (1 - std::cos(std::numbers::pi * way)) / 2;
  };
}

/// `schedule` times min(1, (step + 1) / steps): the first step runs at 1/steps of the rate, the one numbered steps - 1
/// is the first at the full rate. `schedule` counts from the first step too, so it ends where it would without warm-up.
/// Throws Error unless steps >= 1.
inline Schedule warm_up(long steps, Schedule schedule = constant()) {
  require(steps >= 1, "warm_up: expected steps >= 1, got ", steps);
  if (!schedule) schedule = constant();
  return [steps, schedule = std::move(schedule)](long step, long run) {
    return std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(steps)) * schedule(step, run);
  };
}

}  // namespace rival
