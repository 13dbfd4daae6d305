#include "common/time_budget.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "common/command_line.hpp"
#include "rival/gan/trainer.hpp"

namespace {

long steps_in(double minutes, rival::Recipe<> recipe, const rival::Dataset& data) {
  using Clock = std::chrono::steady_clock;
  rival::AdversarialTrainer<> trainer(recipe.generator, recipe.discriminator, recipe.options);
  // The first steps ask for memory. Then at least ten, and at least a second.
  constexpr long warm = 3, least = 10, most = 2000;
  Clock::time_point begin;
  double seconds = 0;
  long steps = 0;
  const auto on_step = [&](const rival::StepReport& step) {
    if (step.steps_done == warm) begin = Clock::now();
    if (step.steps_done <= warm) return;
    steps = step.steps_done - warm;
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (steps >= least && seconds >= 1) trainer.stop();
  };
  trainer.fit(data, {.epochs = most, .steps = most, .on_step = on_step});
  // A twentieth is left for samples, files, and a machine that does other things besides.
  return std::max(1L, static_cast<long>(0.95 * 60 * minutes * static_cast<double>(steps) / seconds));
}

}  // namespace

void add_minutes(Arguments& app, double& minutes) {
  add_number(app, "--minutes", minutes,
             "how long to train: the steps are chosen by the speed of this machine, and told; --steps repeats them")
      ->capture_default_str();
}

void check_minutes(const TrainingOptions& o, double minutes) {
  using rival::require;
  require(std::isfinite(minutes) && minutes > 0, "--minutes: expected a positive number, got ", minutes);
  require(minutes <= 1e6, "--minutes: expected at most 1000000, got ", minutes);
  require(o.given.count("--minutes") == 0 || o.given.count("--steps") == 0, "--minutes: expected no --steps beside it");
}

std::string choose_steps(const TrainingOptions& o, long& steps, double& minutes, const rival::Recipe<>& recipe,
                         const rival::Dataset& data) {
  if (!o.checkpoints.resume && o.given.count("--steps") > 0) minutes = 0;
  if (steps > 0) return "";
  steps = steps_in(minutes, recipe, data);
  return rival::internal::concatenate(steps, " steps, as many as fit into ", minutes,
                                      minutes == 1 ? " minute" : " minutes", " here; --steps ", steps,
                                      " repeats them bit for bit");
}

double time_limit(const TrainingOptions& o, double minutes) {
  return o.checkpoints.resume && o.given.count("--minutes") == 0 ? 0 : 60 * minutes;
}
