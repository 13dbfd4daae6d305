#pragma once
// Schedules: how the learning rate, or another number, changes from step to step.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <utility>

#include "rival/core/error.hpp"

namespace rival {

/// A factor of the learning rate by the number of steps already made: the first step asks for schedule(0). Any function
/// of that kind will do; an empty one stands for constant(). Where an option says so it is the number itself, no
/// factor.
using Schedule = std::function<double(long step)>;

/// 1, always.
inline Schedule constant() {
  return [](long) { return 1.0; };
}

struct StepDecayOptions {
  long every = 0;       ///< steps from one fall to the next
  double factor = 0.1;  ///< of what was before
};
/// factor^floor(step / every): falls at the steps every, 2 every, 3 every ... Throws Error unless every >= 1 and
/// factor >= 0.
inline Schedule step_decay(StepDecayOptions options) {
  require(options.every >= 1, "step_decay: expected every >= 1, got ", options.every);
  require(options.factor >= 0 && std::isfinite(options.factor), "step_decay: expected a finite factor >= 0, got ",
          options.factor);
  return [=](long step) { return std::pow(options.factor, static_cast<double>(step / options.every)); };
}

struct CosineOptions {
  long steps = 0;    ///< the step at which the floor is reached
  double floor = 0;  ///< and kept from then on
};
/// floor + (1 - floor) (1 + cos(pi step / steps)) / 2 until `steps`, then floor (Loshchilov and Hutter, 2017, without
/// restarts). Throws Error unless steps >= 1 and floor >= 0.
inline Schedule cosine(CosineOptions options) {
  require(options.steps >= 1, "cosine: expected steps >= 1, got ", options.steps);
  require(options.floor >= 0 && std::isfinite(options.floor), "cosine: expected a finite floor >= 0, got ",
          options.floor);
  return [=](long step) {
    const double way = static_cast<double>(std::min(step, options.steps)) / static_cast<double>(options.steps);
    return options.floor + (1 - options.floor) * (1 + std::cos(std::numbers::pi * way)) / 2;
  };
}

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
  require(options.floor >= 0 && std::isfinite(options.floor), "linear_decay: expected a finite floor >= 0, got ",
          options.floor);
  return [=](long step) {
    const long done = std::clamp(step, options.start, options.steps) - options.start;
    const double way = static_cast<double>(done) / static_cast<double>(options.steps - options.start);
    return 1 + (options.floor - 1) * way;
  };
}

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
  require(std::isfinite(options.from) && std::isfinite(options.to), "cosine_burn_in: expected finite values, got from ",
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
  return [steps, schedule = std::move(schedule)](long step) {
    return std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(steps)) * schedule(step);
  };
}

}  // namespace rival
