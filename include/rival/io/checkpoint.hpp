#pragma once
// Checkpoints: a trainer in a file, to go on from. Needs nlohmann-json (rival::json).
//
//     trainer.save("checkpoint.safetensors");
//     ...
//     trainer.load("checkpoint.safetensors");              // of the same networks and options, in a new process
//     trainer.fit(data, {.epochs = 5, .resume = true});    // the bits of a training that was never interrupted
//
// The file is a safetensors file. Its tensors are F32 or F64, as the trainer computes, in this library's own order of
// axes: what an optimiser keeps for a weight lies as the weight does, and bits come back without a detour.
//
//     generator.conv1.weight, discriminator. ...    parameters and buffers
//     average.conv1.weight                          of the moving average, if there is one
//     generator_optimizer.conv1.weight.first_moment what the optimisers keep
//     classifier. ..., optimizer. ...               of a SupervisedTrainer, instead of the other two
//     extra.NAME                                    the caller's own, F64 and U8
//
// Everything else is JSON under "rival_checkpoint" in `__metadata__`; "rival_checksum" is over all of it.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/checksum.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/io/json.hpp"
#include "rival/io/safetensors.hpp"
#include "rival/io/trainer_settings.hpp"
#include "rival/train/supervised_trainer.hpp"

namespace rival {

/// What a program puts beside the trainer into its checkpoints: its options, the reports so far, frames of an
/// animation, streams of its own.
struct CheckpointExtras {
  Metadata texts;                                     ///< by name, in UTF-8
  std::map<std::string, Tensor<double>> numbers;      ///< by name, of any shape
  std::map<std::string, Tensor<std::uint8_t>> bytes;  ///< by name, of any shape
};

namespace internal {

inline Json to_json(const Random::Position& at) { return Json::List{at.seed, at.stream, at.block}; }
inline Random::Position position_from(const Json& json) {
  return {json.at(0).whole<std::uint64_t>(), json.at(1).whole<std::uint64_t>(), json.at(2).whole<std::uint64_t>()};
}

inline Json to_json(const LoaderPosition& at) {
  return Json().add("epoch", at.epoch).add("taken", at.taken).add("stream", to_json(at.stream));
}
inline LoaderPosition loader_position_from(const Json& json) {
  return {json.at("epoch").whole<Index>(), json.at("taken").whole<Index>(), position_from(json.at("stream"))};
}

/// Adds what every trainer remembers to what it remembers alone.
inline Json with_fit_state(Json json, const FitState& s) {
  json.add("steps", s.steps)
      .add("run", s.run)
      .add("average_steps", s.average_steps)
      .add("fits", s.fits)
      .add("fit_steps", s.fit_steps)
      .add("data", to_json(s.data))
      .add("data_set", s.data_set);
  return json;
}
inline FitState fit_state_from(const Json& json) {
  return {.steps = json.at("steps").whole<long>(),
          .run = json.at("run").whole<long>(),
          .average_steps = json.at("average_steps").whole<long>(),
          .fits = json.at("fits").whole<int>(),
          .fit_steps = json.at("fit_steps").whole<long>(),
          .data = loader_position_from(json.at("data")),
          .data_set = json.at("data_set").whole<std::uint64_t>()};
}

inline Json to_json(const TrainerState& s) {
  Json json = with_fit_state(Json()
                                 .add("discriminator_steps", s.discriminator_steps)
                                 .add("latents", to_json(s.latents))
                                 .add("classes", to_json(s.classes))
                                 .add("penalties", to_json(s.penalties)),
                             s);
  // Without labelled samples a checkpoint is what it was before there were any.
  if (s.labelled != LoaderPosition()) json.add("labelled", to_json(s.labelled));
  return json;
}
inline void read(const Json& json, TrainerState& s) {
  s = {fit_state_from(json),
       json.at("discriminator_steps").whole<long>(),
       position_from(json.at("latents")),
       position_from(json.at("classes")),
       position_from(json.at("penalties")),
       json.find("labelled") ? loader_position_from(json.at("labelled")) : LoaderPosition()};
}

inline Json to_json(const SupervisedState& s) { return with_fit_state(Json().add("augment", to_json(s.augment)), s); }
inline void read(const Json& json, SupervisedState& s) {
  s = {fit_state_from(json), position_from(json.at("augment"))};
}

/// A network of a trainer, and its optimiser, if it has one, under their names in the file.
template <class S>
struct TrainerPart {
  std::string name;
  Network<S>* network;
  std::string optimizer_name = {};
  Optimizer<S>* optimizer = nullptr;
};

template <class S>
std::vector<TrainerPart<S>> parts_of(AdversarialTrainer<S>& trainer) {
  std::vector<TrainerPart<S>> parts{
      {"generator", &trainer.generator(), "generator_optimizer", &trainer.generator_optimizer()},
      {"discriminator", &trainer.discriminator(), "discriminator_optimizer", &trainer.discriminator_optimizer()}};
  if (trainer.options().average) parts.push_back({"average", &trainer.average()});
  return parts;
}

template <class S>
std::vector<TrainerPart<S>> parts_of(SupervisedTrainer<S>& trainer) {
  std::vector<TrainerPart<S>> parts{{"classifier", &trainer.classifier(), "optimizer", &trainer.optimizer()}};
  if (trainer.options().average) parts.push_back({"average", &trainer.average()});
  return parts;
}

/// All that a trainer and its networks remember in tensors and streams, under the names of the file.
template <class S>
struct Remembered {
  std::vector<std::pair<std::string, Tensor<S>*>> tensors;
  std::vector<std::pair<std::string, Random*>> streams;
};

template <class S>
Remembered<S> remembered(const std::vector<TrainerPart<S>>& parts) {
  Remembered<S> all;
  for (const auto& part : parts) {
    // "generator.conv1.weight" of "G.conv1.weight"
    const auto named = [&](const std::string& of, const std::string& name) {
      const std::string own = part.network->name() + '.';
      return of + '.' + (name.starts_with(own) ? name.substr(own.size()) : name);
    };
    const State<S> state = part.network->state();
    for (auto* parameter : state.parameters)
      all.tensors.emplace_back(named(part.name, parameter->name), &parameter->value);
    for (auto* buffer : state.buffers) all.tensors.emplace_back(named(part.name, buffer->name), &buffer->value);
    for (const auto& [name, stream] : state.streams) all.streams.emplace_back(named(part.name, name), stream);
    if (part.optimizer)
      for (const auto& [name, tensor] : part.optimizer->state())
        all.tensors.emplace_back(named(part.optimizer_name, name), tensor);
  }
  return all;
}

inline std::string checksum_text(const std::string& json, std::vector<NamedTensor> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  Checksum sum;
  sum.add(json);
  for (const auto& [name, any] : tensors) {
    sum.add(name);
    std::visit(
        [&]<class T>(const Tensor<T>* tensor) {
          sum.add(std::uint64_t{sizeof(T)});
          for (const Index extent : tensor->shape()) sum.add(static_cast<std::uint64_t>(extent));
          sum.add(tensor->data(), static_cast<std::size_t>(tensor->size()) * sizeof(T));
        },
        any);
  }
  return std::to_string(sum.value());
}

/// A checkpoint in memory, known to be whole.
struct CheckpointFile {
  std::string what;  ///< for errors
  Json json;
  std::map<std::string, std::variant<Tensor<float>, Tensor<double>, Tensor<std::uint8_t>>> tensors;

  /// Takes them out.
  CheckpointExtras take_extras() {
    CheckpointExtras extras;
    for (const auto& [name, text] : json.at("texts").members()) extras.texts[name] = text.string();
    const std::string prefix = "extra.";
    for (auto& [name, any] : tensors) {
      if (!name.starts_with(prefix)) continue;
      const std::string own = name.substr(prefix.size());
      if (auto* numbers = std::get_if<Tensor<double>>(&any)) extras.numbers[own].swap(*numbers);
      if (auto* bytes = std::get_if<Tensor<std::uint8_t>>(&any)) extras.bytes[own].swap(*bytes);
    }
    return extras;
  }
};

/// Throws Error for a file that is no checkpoint, damaged, or of another version of the format.
inline CheckpointFile parse_checkpoint(const Safetensors& file, std::string what) {
  const Metadata& metadata = file.metadata();
  const auto found = metadata.find("rival_checkpoint"), sum = metadata.find("rival_checksum");
  require(found != metadata.end() && sum != metadata.end(), what, ": it is a safetensors file, but no checkpoint");
  CheckpointFile checkpoint{std::move(what), {}, {}};
  const std::string& here = checkpoint.what;
  std::vector<NamedTensor> named;
  for (const std::string& name : file.names()) {
    const std::string& type = file.entry(name).type;
    auto& tensor = checkpoint.tensors[name];
    if (type == "F32")
      named.push_back({name, &tensor.emplace<Tensor<float>>(file.tensor<float>(name))});
    else if (type == "F64")
      named.push_back({name, &tensor.emplace<Tensor<double>>(file.tensor<double>(name))});
    else
      named.push_back({name, &tensor.emplace<Tensor<std::uint8_t>>(file.tensor<std::uint8_t>(name))});
  }
  // First of all, so that whatever is damaged is called so.
  require(checksum_text(found->second, std::move(named)) == sum->second, here,
          ": it is damaged, its checksum is another one");
  try {
    checkpoint.json = Json::parse(found->second);
    const int format = checkpoint.json.at("version").whole<int>();
    require(format == 1, here, ": expected a checkpoint's version 1, got ", format);
  } catch (const JsonError& error) {
    fail(here, ": its description cannot be read (", error.what(), ")");
  }
  return checkpoint;
}

inline CheckpointFile read_checkpoint(const std::filesystem::path& path) {
  return parse_checkpoint(Safetensors::read(path), concatenate("checkpoint ", path));
}

template <class Trainer>
void save_checkpoint(Trainer& trainer, const std::filesystem::path& path, const CheckpointExtras& extras) {
  const auto parts = parts_of(trainer);
  const auto all = remembered(parts);
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : all.tensors) named.push_back({name, tensor});
  for (const auto& [name, tensor] : extras.numbers) named.push_back({"extra." + name, &tensor});
  for (const auto& [name, tensor] : extras.bytes) named.push_back({"extra." + name, &tensor});

  const auto state = trainer.state();
  Json json = Json().add("version", 1).add("trainer", told(trainer, state.run)).add("state", to_json(state));
  for (const auto& part : parts)
    if (part.optimizer)
      json.add(part.optimizer_name,
               Json().add("steps", part.optimizer->steps()).add("learning_rate", part.optimizer->base_learning_rate()));
  Json streams(Json::Members{});
  for (const auto& [name, stream] : all.streams) streams.add(name, to_json(stream->position()));
  json.add("streams", std::move(streams)).add("texts", Json::members_of(extras.texts));
  try {
    const std::string text = json.text();
    write_safetensors(path, named, {{"rival_checkpoint", text}, {"rival_checksum", checksum_text(text, named)}});
  } catch (const JsonError& error) {
    fail("checkpoint ", path, ": expected texts in UTF-8 (", error.what(), ")");
  }
}

/// All is read and checked before anything changes.
template <template <class> class AnyTrainer, class S>
void load_checkpoint(AnyTrainer<S>& trainer, CheckpointFile& file) {
  const Json& json = file.json;
  const long run = json.at("state").at("run").whole<long>();
  require(run >= 0, file.what, ": expected a run of steps >= 0, got ", run);
  const auto parts = parts_of(trainer);
  require(json.at("trainer").find(parts[0].name) != nullptr, file.what, ": expected a checkpoint with a ",
          parts[0].name, ", got one of another kind of trainer");
  const Remembered<S> all = remembered(parts);
  std::vector<std::string> lines;
  // Both by way of their text, which has null for what is not finite.
  tell_differences("", json.at("trainer"), Json::parse(told(trainer, run).text()), lines);

  // Where these agree, so do the tensors of a file that `save` wrote.
  std::vector<Tensor<S>*> values;
  std::size_t others = file.tensors.size();
  if (lines.empty()) {
    for (const auto& [name, tensor] : all.tensors) {
      const auto found = file.tensors.find(name);
      auto* held = found != file.tensors.end() ? std::get_if<Tensor<S>>(&found->second) : nullptr;
      if (held == nullptr || !(held->shape() == tensor->shape()))
        lines.push_back(concatenate(name, ": expected a tensor of ", tensor->shape(), ", found none"));
      values.push_back(held);
      --others;
    }
    for (const auto& [name, tensor] : file.tensors) others -= name.starts_with("extra.");
    if (lines.empty() && others > 0) lines.push_back(concatenate(others, " tensors: expected none, found them"));
  }
  if (!lines.empty()) {
    std::string text = file.what + ": it cannot go on here:";
    constexpr std::size_t most = 20;
    for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) text += "\n  " + lines[i];
    if (lines.size() > most) text += concatenate("\n  and ", lines.size() - most, " more");
    throw Error(text);
  }
  std::vector<Random::Position> positions;
  for (const auto& [name, stream] : all.streams) positions.push_back(position_from(json.at("streams").at(name)));
  std::vector<std::pair<long, double>> optimizers;  // steps and rate
  for (const auto& part : parts) {
    if (!part.optimizer) continue;
    const Json& told = json.at(part.optimizer_name);
    const auto& [steps, rate] =
        optimizers.emplace_back(told.at("steps").whole<long>(), told.at("learning_rate").number());
    require(steps >= 0 && rate >= 0 && is_finite(static_cast<S>(rate)), file.what,
            ": expected an optimiser's steps and rate, got ", steps, " and ", rate);
  }
  auto state = trainer.state();
  read(json.at("state"), state);

  trainer.set_state(state);  // the last that may throw, and then changes nothing
  for (std::size_t i = 0; i < values.size(); ++i) all.tensors[i].second->swap(*values[i]);
  for (std::size_t i = 0; i < positions.size(); ++i) *all.streams[i].second = Random(positions[i]);
  std::size_t next = 0;
  for (const auto& part : parts) {
    if (!part.optimizer) continue;
    const auto& [steps, rate] = optimizers[next++];
    part.optimizer->set_steps(steps);
    part.optimizer->set_learning_rate(rate);
    part.optimizer->zero_gradients();
  }
}

template <class Trainer>
CheckpointExtras load_checkpoint(Trainer& trainer, const std::filesystem::path& path) {
  CheckpointFile file = read_checkpoint(path);
  try {
    CheckpointExtras extras = file.take_extras();
    load_checkpoint(trainer, file);
    return extras;
  } catch (const JsonError& error) {
    fail(file.what, ": its description cannot be read (", error.what(), ")");
  }
}

}  // namespace internal

/// The extras of a checkpoint, without a trainer: what a program must know before it can make one. Throws Error for a
/// file that is no checkpoint, or damaged.
inline CheckpointExtras read_checkpoint_extras(const std::filesystem::path& path) {
  internal::CheckpointFile file = internal::read_checkpoint(path);
  try {
    return file.take_extras();
  } catch (const JsonError& error) {
    fail(file.what, ": its description cannot be read (", error.what(), ")");
  }
}

template <class S>
template <class Extras>
void AdversarialTrainer<S>::save(const std::filesystem::path& path, const Extras& extras) {
  internal::save_checkpoint(*this, path, extras);
}
template <class S>
template <class Extras>
Extras AdversarialTrainer<S>::load(const std::filesystem::path& path) {
  return internal::load_checkpoint(*this, path);
}

template <class S>
template <class Extras>
void SupervisedTrainer<S>::save(const std::filesystem::path& path, const Extras& extras) {
  internal::save_checkpoint(*this, path, extras);
}
template <class S>
template <class Extras>
Extras SupervisedTrainer<S>::load(const std::filesystem::path& path) {
  return internal::load_checkpoint(*this, path);
}

}  // namespace rival
