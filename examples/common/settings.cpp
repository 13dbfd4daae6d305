#include "common/settings.hpp"

#include <iostream>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace {

using Json = nlohmann::ordered_json;
using std::filesystem::path;

Json json_of(const Setting::Value& value) {
  return std::visit(
      []<class T>(const T& v) -> Json {
        if constexpr (std::is_same_v<T, path>)
          return v.empty() ? "" : std::filesystem::absolute(v).string();
        else
          return v;
      },
      value);
}

void set(Setting::Value& value, const Json& json) {
  std::visit(
      [&]<class T>(T& v) {
        if constexpr (std::is_same_v<T, path>)
          v = json.get<std::string>();
        else
          v = json.get<T>();
      },
      value);
}

/// Whether it is of the value's type.
bool fits(Setting::Value value, const Json& json) {
  try {
    set(value, json);
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

bool is_path(const Setting& setting) { return std::holds_alternative<path>(setting.value); }

/// Throws rival::Error when they are not of a run of these settings.
Json settings_in(const rival::CheckpointExtras& extras, const Settings& settings) {
  const auto found = extras.texts.find("settings");
  auto all = Json::parse(found != extras.texts.end() ? found->second : "", nullptr, false);
  bool ours = all.is_object();
  for (const Setting& one : settings.all) ours = ours && all.contains(one.name) && fits(one.value, all[one.name]);
  rival::require(ours, "--resume: expected a checkpoint of this program, got one of another, or of another version");
  return all;
}

}  // namespace

std::string text_of(const Setting::Value& value) {
  const Json json = json_of(value);
  return json.is_string() ? json.get<std::string>() : json.dump();
}

void put_settings(rival::CheckpointExtras& extras, const Settings& settings) {
  Json all;
  for (const Setting& one : settings.all) all[one.name] = json_of(one.value);
  extras.texts["settings"] = all.dump();
}

void take_settings(const rival::CheckpointExtras& extras, const GivenOptions& given, Settings& settings) {
  const Json all = settings_in(extras, settings);
  // Who says where one file lies says where all do: --data is not to be joined by an earlier --images.
  bool paths_given = false;
  for (const Setting& one : settings.all) paths_given = paths_given || (is_path(one) && given.count(one.name) > 0);
  std::string differences;
  for (Setting& one : settings.all) {
    const Json& before = all.at(one.name);
    if (given.count(one.name) == 0 && !(paths_given && is_path(one))) set(one.value, before);
    if (!one.fixed) continue;
    const Json now = json_of(one.value);
    if (now != before)
      differences += rival::internal::concatenate("\n  ", one.name, ": the checkpoint has ", before, ", got ", now);
  }
  rival::require(differences.empty(),
                 "--resume: expected the options of the run that is to go on, or none:", differences);
}

void find_settings(Checkpoints& checkpoints, const char* program, const GivenOptions& given, Settings& settings) {
  const auto complain = [&](const std::string& what) { std::cerr << program << ": " << what << std::endl; };
  take_settings(checkpoints.find(complain), given, settings);
}
