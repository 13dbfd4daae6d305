#pragma once
// What goes wrong in a training, said on the terminal and in the report.

#include "common/report.hpp"
#include "common/run.hpp"
#include "rival/gan/health.hpp"

/// To be called after each step, before `run.step`.
inline void watch(rival::Health<>& health, const rival::StepReport& step, Run& run, Report& report) {
  for (const auto& [name, text] : health.step(step)) {
    run.say(rival::internal::concatenate("warning: ", name, " at step ", step.steps_done, ": ", text));
    report.warn(step.steps_done, name, text);
  }
}
