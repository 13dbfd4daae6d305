#pragma once
// The command line, read by CLI11, which command_line.cpp alone includes. Numbers are checked as strictly as the
// library checks its options.

#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>

#include "common/training_options.hpp"
#include "rival/core/error.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// One option, flag or positional argument. Its functions are CLI::Option's of these names.
class Argument {
 public:
  explicit Argument(CLI::Option& option) : option_(option) {}

  Argument* required();
  Argument* needs(const Argument* other);
  Argument* excludes(const Argument* other);
  Argument* capture_default_str();
  std::size_t count() const;
  std::string get_name() const;

 private:
  CLI::Option& option_;
};

/// All that a program takes. What is added is owned by this object, and its value by the caller.
class Arguments {
 public:
  explicit Arguments(const std::string& description);
  ~Arguments();

  Argument* add_option(const std::string& name, std::string& value, const std::string& text);
  Argument* add_option(const std::string& name, std::filesystem::path& value, const std::string& text);
  Argument* add_flag(const std::string& name, bool& value, const std::string& text);
  /// Of a type that add_number is for.
  template <class T>
  Argument* add_number(const std::string& name, T& value, const std::string& text);
  /// What --help says below the options.
  void footer(const std::string& text);

  /// Throws rival::Error for what the arguments do not allow. Returns false when only help was asked for (and given).
  bool parse(int argc, char** argv);
  GivenOptions given() const;

 private:
  Argument* keep(CLI::Option* option);

  std::unique_ptr<CLI::App> app_;
  std::deque<Argument> all_;
};

/// An option that takes a number: an int, a long, a std::uint64_t or a double.
template <class T>
Argument* add_number(Arguments& app, const std::string& name, T& value, const std::string& text) {
  return app.add_number(name, value, text);
}

/// Throws rival::Error for what the options do not allow. Returns false when only help was asked for (and given).
bool parse_arguments(Arguments& app, int argc, char** argv);

void add_training_options(Arguments& app, TrainingOptions& options);

/// parse_arguments, and which of the options were given. Throws rival::Error for training options that cannot be.
bool parse_training_arguments(Arguments& app, int argc, char** argv, TrainingOptions& options);
