#include "common/watch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "rival/gan/health.hpp"

namespace {

template <class F>
void each(rival::HealthState& s, const F& f) {
  f(s.seen), f(s.looks), f(s.loss), f(s.accuracy), f(s.lead), f(s.distance), f(s.greatest_gradient),
      f(s.generator_norm), f(s.discriminator_norm), f(s.was_apart);
  for (int& looks : s.wrong) f(looks);
}

}  // namespace

Watch::Watch(rival::AdversarialTrainer<>& trainer, const rival::Dataset& data, std::uint64_t seed) {
  if (data.size() >= 4) health_ = std::make_unique<rival::Health<>>(trainer, data, rival::HealthOptions{.seed = seed});
}
Watch::~Watch() = default;

void Watch::step(const rival::StepReport& step, Run& run, Report& report) {
  if (!health_) return;
  for (const auto& [name, text] : health_->step(step)) {
    run.say(rival::internal::concatenate("warning: ", name, " at step ", step.steps_done, ": ", text));
    report.warn(step.steps_done, name, text);
  }
}

void Watch::put(rival::CheckpointExtras& extras) const {
  if (!health_) return;
  rival::HealthState state = health_->state();
  std::vector<double> numbers;
  each(state, [&](auto& value) { numbers.push_back(static_cast<double>(value)); });
  rival::Tensor<double> all({static_cast<rival::Index>(numbers.size())});
  std::copy(numbers.begin(), numbers.end(), all.data());
  extras.numbers["health"] = std::move(all);
}
void Watch::take(const rival::CheckpointExtras& extras) {
  if (!health_) return;
  rival::HealthState state;
  const double* from = extras.numbers.at("health").data();
  each(state, [&]<class T>(T& value) { value = static_cast<T>(*from++); });
  health_->set_state(state);
}
