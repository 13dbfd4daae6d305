#pragma once
// What a trainer is, networks and options, as far as it can be told; and in what two of them differ. Needs
// nlohmann-json (rival::json).

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>
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
#include "rival/io/json.hpp"
#include "rival/train/supervised_trainer.hpp"

namespace rival::internal {

/// A schedule is a function: it is told by some of its values.
inline Json told(const Schedule& schedule, long run) {
  if (!schedule) return nullptr;
  Json::List values;
  for (const long step : {0L, 1L, 10L, 100L, 1000L, 10'000L, 100'000L, run / 4, run / 2, run - run / 4, run}) {
    try {
      values.push_back(schedule(step, run));
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      values.push_back(nullptr);  // it has none, such as over_run without a run
    }
  }
  return values;
}

inline Json told(const OptimizerOptions& options, long run) {
  return std::visit(
      [&]<class O>(const O& o) -> Json {
        Json json = Json()
                        .add("learning_rate", o.learning_rate)
                        .add("weight_decay", o.weight_decay)
                        .add("schedule", told(o.schedule, run));
        if constexpr (std::is_same_v<O, AdamOptions> || std::is_same_v<O, AdamWOptions>)
          return json.add("kind", std::is_same_v<O, AdamOptions> ? "adam" : "adamw")
              .add("beta1", o.beta1)
              .add("beta2", o.beta2)
              .add("epsilon", o.epsilon)
              .add("beta1_schedule", told(o.beta1_schedule, run))
              .add("beta2_schedule", told(o.beta2_schedule, run));
        else if constexpr (std::is_same_v<O, SgdOptions>)
          return json.add("kind", "sgd").add("momentum", o.momentum).add("nesterov", o.nesterov);
        else
          return json.add("kind", "rmsprop")
              .add("alpha", o.alpha)
              .add("epsilon", o.epsilon)
              .add("momentum", o.momentum)
              .add("centered", o.centered);
      },
      options);
}

inline Json told(const std::optional<MovingAverageOptions>& average) {
  if (!average) return nullptr;
  return Json().add("half_life", average->half_life).add("ramp_up", average->ramp_up);
}

inline Json told(const LabelledSamples& labelled) {
  return Json().add("batch", labelled.batch).add("fingerprint", labelled.data.fingerprint());
}

inline Json told(const DistortionOptions& options) {
  Json json;
  DistortionOptions::each(options, [&]<class T>(const char* name, const T& value) {
    if constexpr (std::is_same_v<T, double>)
      json.add(name, value);
    else
      json.add(name, value ? Json(*value) : Json());
  });
  return json;
}

/// What the options say, as far as it can be told, for a run of so many steps. Functions without a name cannot.
template <class S>
Json told(const TrainerOptions<S>& o, long run) {
  const auto* law = o.draw_latent.template target<LatentLaw<S>>();
  const long discriminator_run = times(run, o.discriminator_steps);
  Json::List penalties;
  static constexpr const char* kinds[] = {"r1", "r2", "wgan_gp", "dragan"};
  for (const Penalty& penalty : o.penalties)
    penalties.push_back(Json()
                            .add("kind", kinds[static_cast<int>(penalty.kind)])
                            .add("weight", penalty.weight)
                            .add("every", penalty.every)
                            .add("schedule", told(penalty.schedule, discriminator_run)));
  static constexpr const char* sources[] = {"none", "data", "drawn"};
  Json draw_latent(static_cast<bool>(o.draw_latent));
  if (law) draw_latent = Json().add("uniform", law->uniform());
  Json json;
  json.add("loss", o.loss.name)
      .add("batch", o.batch)
      .add("penalties", std::move(penalties))
      .add("auxiliary", o.auxiliary.name)
      .add("auxiliary_on_real", o.auxiliary.on_real)
      .add("feature_matching", o.feature_matching)
      .add("weight_clip", o.weight_clip)
      .add("labels", sources[static_cast<int>(o.labels)])
      .add("classes", o.classes)
      .add("draw_latent", std::move(draw_latent))
      .add("discriminator_steps", o.discriminator_steps)
      .add("generator_optimizer", told(o.generator_optimizer, run))
      .add("discriminator_optimizer", told(o.discriminator_optimizer, discriminator_run))
      .add("average", told(o.average))
      .add("steps", o.steps)
      .add("seed", o.seed);
  if (o.labelled) json.add("labelled", told(*o.labelled));
  return json;
}

template <class S>
Json told(const SupervisedOptions<S>& o, long run) {
  const auto* distortion = o.augment.template target<Distortion<S>>();
  return Json()
      .add("batch", o.batch)
      .add("label_smoothing", o.label_smoothing)
      .add("augment", distortion ? told(distortion->options()) : Json(static_cast<bool>(o.augment)))
      .add("optimizer", told(o.optimizer, run))
      .add("average", told(o.average))
      .add("steps", o.steps)
      .add("seed", o.seed);
}

/// What the network is; not its name, which may be another one.
template <class S>
Json told(const Network<S>& network, Index heads = 0) {
  const Json stack = rival::to_json(network.layers().describe());
  Json layers{Json::List()};
  if (const Json* found = stack.find("layers")) layers = *found;
  return Json().add("input", Json::list_of(network.input_shape())).add("heads", heads).add("layers", std::move(layers));
}

/// What must be the same on both sides.
template <class S>
Json told(AdversarialTrainer<S>& trainer, long run) {
  const Network<S>&generator = trainer.generator(), &discriminator = trainer.discriminator();
  return Json()
      .add("library", version)
      .add("numbers", sizeof(S) == 4 ? "float" : "double")
      .add("generator", told(generator))
      .add("discriminator", told(discriminator, trainer.discriminator().heads()))
      .add("options", told(trainer.options(), run));
}

template <class S>
Json told(SupervisedTrainer<S>& trainer, long run) {
  const Network<S>& classifier = trainer.classifier();
  return Json()
      .add("library", version)
      .add("numbers", sizeof(S) == 4 ? "float" : "double")
      .add("classifier", told(classifier))
      .add("options", told(trainer.options(), run));
}

inline bool same(const Json& a, const Json& b) {
  if (a.is_list() && b.is_list()) {
    const Json::List &x = a.list(), &y = b.list();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same);
  }
  // Another machine's mathematics may round a schedule otherwise.
  if (a.is_double() && b.is_double()) {
    const double x = a.number(), y = b.number();
    return std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
  }
  return a == b;
}

/// Appends a line for everything in which the two differ.
inline void tell_differences(const std::string& where, const Json& theirs, const Json& ours,
                             std::vector<std::string>& lines) {
  if (theirs.is_object() && ours.is_object()) {
    const Json none;
    const auto part = [&](const Json& json, const std::string& name) -> const Json& {
      const Json* found = json.find(name);
      return found != nullptr ? *found : none;
    };
    const std::string prefix = where.empty() ? "" : where + '.';
    for (const auto& [name, value] : ours.members()) tell_differences(prefix + name, part(theirs, name), value, lines);
    for (const auto& [name, value] : theirs.members())
      if (ours.find(name) == nullptr) tell_differences(prefix + name, value, none, lines);
    return;
  }
  if (same(theirs, ours)) return;
  const auto of_objects = [](const Json& json) {
    return json.is_list() && !json.list().empty() && json.list()[0].is_object();
  };
  if (of_objects(theirs) && of_objects(ours)) {
    const std::size_t there = theirs.list().size(), here = ours.list().size();
    if (there != here)
      lines.push_back(concatenate(where, ": the checkpoint has ", there, ", here there are ", here));
    else
      for (std::size_t i = 0; i < here; ++i)
        tell_differences(concatenate(where, '[', i, ']'), theirs.list()[i], ours.list()[i], lines);
    return;
  }
  const auto text = [](const Json& json) {
    if (json.is_null()) return std::string("none");
    const std::string all = json.text(true);
    return all.size() <= 100 ? all : all.substr(0, 97) + "...";
  };
  lines.push_back(concatenate(where, ": the checkpoint has ", text(theirs), ", here it is ", text(ours)));
}

}  // namespace rival::internal
