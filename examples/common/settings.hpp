#pragma once
// The options of a run, in its checkpoints: --resume goes on with them, and says which of those that are given differ.
//
// Options list theirs: `template <class O, class F, class G> static void each(O& o, F&& fixed, G&& free)` calls
// fixed(name, o.member) for what makes the run what it is, and free(name, o.member) for what may change on the way.

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "common/checkpoints.hpp"
#include "common/command_line.hpp"
#include "rival/io/checkpoint.hpp"

namespace internal {

template <class T>
nlohmann::ordered_json setting(const T& value) {
  if constexpr (std::is_same_v<T, std::filesystem::path>)
    return value.empty() ? "" : std::filesystem::absolute(value).string();
  else
    return value;
}

template <class T>
void set(T& value, const nlohmann::ordered_json& json) {
  if constexpr (std::is_same_v<T, std::filesystem::path>)
    value = json.get<std::string>();
  else
    value = json.get<T>();
}

}  // namespace internal

template <class Options>
void put_settings(rival::CheckpointExtras& extras, const Options& options) {
  nlohmann::ordered_json all;
  const auto put = [&](const char* name, const auto& value) { all[name] = internal::setting(value); };
  Options::each(options, put, put);
  extras.texts["settings"] = all.dump();
}

/// The settings in a checkpoint. Throws rival::Error when it is not of a run of these options, but of another program.
template <class Options>
nlohmann::ordered_json settings_in(const rival::CheckpointExtras& extras, const Options& options) {
  const auto found = extras.texts.find("settings");
  auto all = nlohmann::ordered_json::parse(found != extras.texts.end() ? found->second : "", nullptr, false);
  bool ours = all.is_object();
  const auto look = [&](const char* name, const auto&) { ours = ours && all.contains(name); };
  Options::each(options, look, look);
  rival::require(ours, "--resume: expected a checkpoint of this program, got one of another, or of another version");
  return all;
}

/// Options that were not given become what the checkpoint says. Throws rival::Error, with a line each, when fixed ones
/// were given that differ.
template <class Options>
void take_settings(const rival::CheckpointExtras& extras, const GivenOptions& given, Options& options) {
  const auto all = settings_in(extras, options);
  std::string differences;
  // Who says where one file lies says where all do: --data is not to be joined by an earlier --images.
  bool paths_given = false;
  const auto look = [&]<class T>(const char* name, const T&) {
    paths_given = paths_given || (std::is_same_v<T, std::filesystem::path> && given.count(name) > 0);
  };
  Options::each(options, look, look);
  const auto take = [&]<class T>(const char* name, T& value) {
    if (given.count(name) == 0 && !(paths_given && std::is_same_v<T, std::filesystem::path>))
      internal::set(value, all.at(name));
  };
  const auto hold = [&](const char* name, auto& value) {
    take(name, value);
    const auto now = internal::setting(value);
    if (now != all.at(name))
      differences += rival::internal::concatenate("\n  ", name, ": the checkpoint has ", all.at(name), ", got ", now);
  };
  Options::each(options, hold, take);
  rival::require(differences.empty(),
                 "--resume: expected the options of the run that is to go on, or none:", differences);
}

/// For --resume: finds the newest whole checkpoint and takes the options that the run was begun with.
template <class Options>
void resume_options(Checkpoints& checkpoints, const char* program, Options& options) {
  const auto complain = [&](const std::string& what) { std::cerr << program << ": " << what << std::endl; };
  take_settings(checkpoints.find(complain), options.given, options);
  checkpoints.set_options(options.checkpoints);
}
