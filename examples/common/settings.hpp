#pragma once
// The options of a run, in its checkpoints: --resume goes on with them, and says which of those that are given differ.
//
// Options list theirs: `template <class O, class F, class G> static void each(O& o, F&& fixed, G&& free)` calls
// fixed(name, o.member) for what makes the run what it is, and free(name, o.member) for what may change on the way.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "common/checkpoints.hpp"
#include "common/training_options.hpp"

struct Setting {
  using Value = std::variant<bool, int, long, std::uint64_t, double, std::string, std::filesystem::path>;

  const char* name;
  bool fixed;
  Value value;
};

/// The settings that options list, with their values. Any options are taken where settings are asked for.
struct Settings {
  template <class Options>
  Settings(const Options& options) {
    Options::each(
        options,
        [&](const char* name, const auto& value) {
          all.push_back({name, true, value});
        },
        [&](const char* name, const auto& value) {
          all.push_back({name, false, value});
        });
  }

  /// Sets the options, of the type that these are of, to the values.
  template <class Options>
  void give(Options& options) const {
    std::size_t next = 0;
    const auto set = [&]<class T>(const char*, T& value) { value = std::get<T>(all[next++].value); };
    Options::each(options, set, set);
  }

  std::vector<Setting> all;
};

/// For people: a path is absolute, and a text has no quotes.
std::string text_of(const Setting::Value& value);

void put_settings(rival::CheckpointExtras& extras, const Settings& settings);

/// Settings that were not given become what the checkpoint says. Throws rival::Error when it is not of a run of these
/// options, but of another program; and, with a line each, when fixed ones were given that differ.
void take_settings(const rival::CheckpointExtras& extras, const GivenOptions& given, Settings& settings);

/// Finds the newest whole checkpoint, and takes the settings that the run was begun with.
void find_settings(Checkpoints& checkpoints, const char* program, const GivenOptions& given, Settings& settings);

/// For --resume: finds the newest whole checkpoint and takes the options that the run was begun with.
template <class Options>
void resume_options(Checkpoints& checkpoints, const char* program, Options& options) {
  Settings settings(options);
  find_settings(checkpoints, program, options.given, settings);
  settings.give(options);
  checkpoints.set_options(options.checkpoints);
}
