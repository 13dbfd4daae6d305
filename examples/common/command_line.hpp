#pragma once
// Numbers on the command line, checked as strictly as the library checks its options.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <type_traits>

#include "common/checkpoints.hpp"
#include "rival/core/error.hpp"

/// What is wrong with the text of a number, if anything. CLI11 by itself takes -1 for a large seed.
template <class T>
std::string check_number(const std::string& text) {
  if constexpr (std::is_integral_v<T>) {
    T value{};
    const auto digits = text.find_first_not_of('-');
    if (digits + 1 < text.size() && text[digits] == '0') return "expected a number without leading zeros, got " + text;
    const char* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, value);
    if (error == std::errc() && end == text_end) return "";
    if (error == std::errc::result_out_of_range)
      return "expected at most " + std::to_string(std::numeric_limits<T>::max()) + ", got " + text;
    return std::string("expected a whole number") + (std::is_unsigned_v<T> ? " >= 0" : "") + ", got " + text;
  } else {
    char* end = nullptr;
    std::strtod(text.c_str(), &end);
    return !text.empty() && *end == '\0' ? "" : "expected a number, got " + text;
  }
}

/// An option that takes a number.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& value, const std::string& text) {
  return app.add_option(name, value, text)->check(CLI::Validator(check_number<T>, ""));
}

/// The names of the options that were given.
using GivenOptions = std::set<std::string>;
inline GivenOptions given_options(const CLI::App& app) {
  GivenOptions given;
  for (const auto* option : app.get_options())
    if (option->count() > 0) given.insert(option->get_name());
  return given;
}

inline void add_checkpoint_options(CLI::App& app, CheckpointOptions& o) {
  add_number(app, "--checkpoint-every", o.every,
             "steps from one checkpoint to the next; also one at the end, and when a signal ends the run");
  add_number(app, "--keep", o.keep, "how many checkpoints to keep, the newest (1)");
  app.add_flag("--resume", o.resume,
               "go on from the newest checkpoint in --out, with the options of that run, to the files that it would "
               "have left without a break");
}
/// Throws rival::Error for what cannot be.
inline void check_checkpoint_options(const CheckpointOptions& o, const GivenOptions& given) {
  rival::require(o.every >= 1 || given.count("--checkpoint-every") == 0,
                 "--checkpoint-every: expected at least 1, got ", o.every);
  rival::require(o.keep >= 1 || given.count("--keep") == 0, "--keep: expected at least 1, got ", o.keep);
  rival::require(given.count("--keep") == 0 || o.every >= 1 || o.resume,
                 "--keep: expected --checkpoint-every beside it, or --resume");
}

/// Throws rival::Error for what the options do not allow. Returns false when only help was asked for (and given).
inline bool parse_arguments(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) rival::fail(error.what());
    app.exit(error);
    return false;
  }
}
