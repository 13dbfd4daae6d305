#pragma once
// Numbers on the command line, checked as strictly as the library checks its options.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string>
#include <type_traits>

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
