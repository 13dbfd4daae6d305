#pragma once
// What a trainer is, networks and options, as far as it can be told; and in what two of them differ. Needs
// nlohmann-json (rival::json).

#include <algorithm>
#include <cmath>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "rival/core/version.hpp"
#include "rival/data/distortion.hpp"
#include "rival/gan/latent_law.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/io/description_json.hpp"
#include "rival/train/supervised_trainer.hpp"

namespace rival::internal {

using Json = nlohmann::ordered_json;

/// A schedule is a function: it is told by some of its values.
inline Json told(const Schedule& schedule, long run) {
  if (!schedule) return nullptr;
  Json values = Json::array();
  for (const long step : {0L, 1L, 10L, 100L, 1000L, 10'000L, 100'000L, run / 4, run / 2, run - run / 4, run}) {
    try {
      values.push_back(schedule(step, run));
    } catch (const std::exception&) {
      values.push_back(nullptr);  // it has none, such as over_run without a run
    }
  }
  return values;
}

inline Json told(const OptimizerOptions& options, long run) {
  return std::visit(
      [&]<class O>(const O& o) -> Json {
        Json json{
            {"learning_rate", o.learning_rate}, {"weight_decay", o.weight_decay}, {"schedule", told(o.schedule, run)}};
        if constexpr (std::is_same_v<O, AdamOptions> || std::is_same_v<O, AdamWOptions>)
          json.update({{"kind", std::is_same_v<O, AdamOptions> ? "adam" : "adamw"},
                       {"beta1", o.beta1},
                       {"beta2", o.beta2},
                       {"epsilon", o.epsilon},
                       {"beta1_schedule", told(o.beta1_schedule, run)},
                       {"beta2_schedule", told(o.beta2_schedule, run)}});
        else if constexpr (std::is_same_v<O, SgdOptions>)
          json.update({{"kind", "sgd"}, {"momentum", o.momentum}, {"nesterov", o.nesterov}});
        else
          json.update({{"kind", "rmsprop"},
                       {"alpha", o.alpha},
                       {"epsilon", o.epsilon},
                       {"momentum", o.momentum},
                       {"centered", o.centered}});
        return json;
      },
      options);
}

inline Json told(const std::optional<MovingAverageOptions>& average) {
  if (!average) return nullptr;
  return {{"half_life", average->half_life}, {"ramp_up", average->ramp_up}};
}

/// What the options say, as far as it can be told, for a run of so many steps. Functions without a name cannot.
template <class S>
Json told(const TrainerOptions<S>& o, long run) {
  const auto* law = o.draw_latent.template target<LatentLaw<S>>();
  constexpr long most = std::numeric_limits<long>::max();
  const long discriminator_run = run > most / o.discriminator_steps ? most : run * o.discriminator_steps;
  Json penalties = Json::array();
  static constexpr const char* kinds[] = {"r1", "r2", "wgan_gp", "dragan"};
  for (const Penalty& penalty : o.penalties)
    penalties.push_back({{"kind", kinds[static_cast<int>(penalty.kind)]},
                         {"weight", penalty.weight},
                         {"every", penalty.every},
                         {"schedule", told(penalty.schedule, discriminator_run)}});
  static constexpr const char* sources[] = {"none", "data", "drawn"};
  Json json{{"loss", o.loss.name},
            {"batch", o.batch},
            {"penalties", penalties},
            {"auxiliary", o.auxiliary.name},
            {"auxiliary_on_real", o.auxiliary.on_real},
            {"feature_matching", o.feature_matching},
            {"weight_clip", o.weight_clip},
            {"labels", sources[static_cast<int>(o.labels)]},
            {"classes", o.classes},
            {"draw_latent", law ? Json{{"uniform", law->uniform()}} : Json(static_cast<bool>(o.draw_latent))},
            {"discriminator_steps", o.discriminator_steps},
            {"generator_optimizer", told(o.generator_optimizer, run)},
            {"discriminator_optimizer", told(o.discriminator_optimizer, discriminator_run)},
            {"average", told(o.average)},
            {"steps", o.steps},
            {"seed", o.seed}};
  return json;
}

inline Json told(const DistortionOptions& options) {
  Json json;
  DistortionOptions::each(options, [&]<class T>(const char* name, const T& value) {
    if constexpr (std::is_same_v<T, double>)
      json[name] = value;
    else
      json[name] = value ? Json(*value) : Json();
  });
  return json;
}

template <class S>
Json told(const SupervisedOptions<S>& o, long run) {
  const auto* distortion = o.augment.template target<Distortion<S>>();
  Json json{{"batch", o.batch},
            {"label_smoothing", o.label_smoothing},
            {"augment", distortion ? told(distortion->options()) : Json(static_cast<bool>(o.augment))},
            {"optimizer", told(o.optimizer, run)},
            {"average", told(o.average)},
            {"steps", o.steps},
            {"seed", o.seed}};
  return json;
}

/// What the network is; not its name, which may be another one.
template <class S>
Json told(const Network<S>& network, Index heads = 0) {
  const Shape& input = network.input_shape();
  const Json stack = rival::to_json(network.layers().describe());
  return {{"input", std::vector<Index>(input.begin(), input.end())},
          {"heads", heads},
          {"layers", stack.contains("layers") ? stack["layers"] : Json::array()}};
}

/// What must be the same on both sides.
template <class S>
Json told(AdversarialTrainer<S>& trainer, long run) {
  return {
      {"library", version},
      {"numbers", sizeof(S) == 4 ? "float" : "double"},
      {"generator", told(static_cast<const Network<S>&>(trainer.generator()))},
      {"discriminator", told(static_cast<const Network<S>&>(trainer.discriminator()), trainer.discriminator().heads())},
      {"options", told(trainer.options(), run)}};
}

template <class S>
Json told(SupervisedTrainer<S>& trainer, long run) {
  return {{"library", version},
          {"numbers", sizeof(S) == 4 ? "float" : "double"},
          {"classifier", told(static_cast<const Network<S>&>(trainer.classifier()))},
          {"options", told(trainer.options(), run)}};
}

inline bool same(const Json& a, const Json& b) {
  if (a.is_array() && b.is_array()) return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
  // Another machine's mathematics may round a schedule otherwise.
  if (a.is_number_float() && b.is_number_float()) {
    const auto x = a.get<double>(), y = b.get<double>();
    return std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
  }
  return a == b;
}

/// Appends a line for everything in which the two differ.
inline void tell_differences(const std::string& where, const Json& theirs, const Json& ours,
                             std::vector<std::string>& lines) {
  static const Json none;
  const auto part = [](const Json& json, const std::string& name) -> const Json& {
    return json.contains(name) ? json[name] : none;
  };
  if (theirs.is_object() && ours.is_object()) {
    const std::string prefix = where.empty() ? "" : where + '.';
    for (const auto& [name, value] : ours.items()) tell_differences(prefix + name, part(theirs, name), value, lines);
    for (const auto& [name, value] : theirs.items())
      if (!ours.contains(name)) tell_differences(prefix + name, value, none, lines);
    return;
  }
  if (same(theirs, ours)) return;
  const auto of_objects = [](const Json& json) { return json.is_array() && !json.empty() && json[0].is_object(); };
  if (of_objects(theirs) && of_objects(ours)) {
    if (theirs.size() != ours.size())
      lines.push_back(concatenate(where, ": the checkpoint has ", theirs.size(), ", here there are ", ours.size()));
    else
      for (std::size_t i = 0; i < ours.size(); ++i)
        tell_differences(concatenate(where, '[', i, ']'), theirs[i], ours[i], lines);
    return;
  }
  const auto text = [](const Json& json) {
    if (json.is_null()) return std::string("none");
    const std::string all = json.dump(-1, ' ', true);
    return all.size() <= 100 ? all : all.substr(0, 97) + "...";
  };
  lines.push_back(concatenate(where, ": the checkpoint has ", text(theirs), ", here it is ", text(ours)));
}

}  // namespace rival::internal
