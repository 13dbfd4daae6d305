#pragma once
// Numbers on the command line, checked as strictly as the library checks its options.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

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

/// Throws rival::Error for what the options do not allow. Returns false when only help was asked for (and given).
inline bool parse_arguments(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ExtrasError&) {
    std::string all;  // in the order in which they came
    for (const std::string& one : app.remaining()) all += ' ' + one;
    rival::fail("expected no such arguments:", all, " (--help lists the options)");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) rival::fail(error.what());
    app.exit(error);
    return false;
  }
}

/// What every training program takes.
struct TrainingOptions {
  explicit TrainingOptions(std::filesystem::path folder) : out(std::move(folder)) {}

  std::filesystem::path out;
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: as many as OpenMP takes
  bool quiet = false;
  CheckpointOptions checkpoints;
  GivenOptions given;

  /// As common/settings.hpp has it.
  template <class O, class F, class G>
  static void each(O& o, F&& fixed, G&& free) {
    fixed("--seed", o.seed);
    free("--checkpoint-every", o.checkpoints.every);
    free("--keep", o.checkpoints.keep);
  }
};

inline void add_training_options(CLI::App& app, TrainingOptions& o) {
  app.add_option("--out", o.out, "folder to write to; made if it is not there")->capture_default_str();
  add_number(app, "--seed", o.seed, "the same seed gives the same weights")->capture_default_str();
  add_number(app, "--threads", o.threads, "threads to use; as many as there are cores if not given");
  add_number(app, "--checkpoint-every", o.checkpoints.every,
             "steps from one checkpoint to the next; also one at the end, and when a signal ends the run");
  add_number(app, "--keep", o.checkpoints.keep, "how many checkpoints to keep, the newest (1)");
  app.add_flag("--resume", o.checkpoints.resume,
               "go on from the newest checkpoint in --out, with the options of that run, to the files that it would "
               "have left without a break");
  app.add_flag("--quiet", o.quiet, "print nothing but errors");
}

/// parse_arguments, and which of the options were given. Throws rival::Error for training options that cannot be.
inline bool parse_training_arguments(CLI::App& app, int argc, char** argv, TrainingOptions& o) {
  if (!parse_arguments(app, argc, argv)) return false;
  o.given = given_options(app);
  using rival::require;
  require(o.threads >= 1 || o.given.count("--threads") == 0, "--threads: expected at least 1, got ", o.threads);
  require(o.checkpoints.every >= 1 || o.given.count("--checkpoint-every") == 0,
          "--checkpoint-every: expected at least 1, got ", o.checkpoints.every);
  require(o.checkpoints.keep >= 1 || o.given.count("--keep") == 0, "--keep: expected at least 1, got ",
          o.checkpoints.keep);
  require(o.given.count("--keep") == 0 || o.checkpoints.every >= 1 || o.checkpoints.resume,
          "--keep: expected --checkpoint-every beside it, or --resume");
  require(!o.out.empty(), "--out: expected a folder, got an empty name");
  return true;
}
