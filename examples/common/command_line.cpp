#include "common/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

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

/// How many letters have to be changed, put in or left out to make one word of the other (Levenshtein's distance).
std::size_t distance(const std::string& from, const std::string& to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t before = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < to.size(); ++k)
      before = std::exchange(row[k + 1], std::min({before + (from[i] != to[k]), row[k] + 1, row[k + 1] + 1}));
  }
  return row.back();
}

/// The option that was perhaps meant, for an error: " (did you mean --epochs?)", or nothing.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& unknown) {
  const auto name = std::find_if(unknown.begin(), unknown.end(), [](const auto& one) { return one.starts_with("--"); });
  if (name == unknown.end()) return "";
  std::string nearest;
  const std::size_t letters = name->size() - 2;
  std::size_t least = std::max<std::size_t>(1, letters / 3) + 1;  // further apart they have little in common
  for (const auto* option : app.get_options()) {
    const std::string other = option->get_name();
    if (const std::size_t apart = distance(*name, other); apart < least) least = apart, nearest = other;
  }
  return nearest.empty() ? "" : " (did you mean " + nearest + "?)";
}

}  // namespace

Argument* Argument::required() {
  option_.required();
  return this;
}
Argument* Argument::needs(const Argument* other) {
  option_.needs(&other->option_);
  return this;
}
Argument* Argument::excludes(const Argument* other) {
  option_.excludes(&other->option_);
  return this;
}
Argument* Argument::capture_default_str() {
  option_.capture_default_str();
  return this;
}
std::size_t Argument::count() const { return option_.count(); }
std::string Argument::get_name() const { return option_.get_name(); }

Arguments::Arguments(const std::string& description) : app_(std::make_unique<CLI::App>(description)) {}
Arguments::~Arguments() = default;

Argument* Arguments::keep(CLI::Option* option) { return &all_.emplace_back(*option); }

Argument* Arguments::add_option(const std::string& name, std::string& value, const std::string& text) {
  return keep(app_->add_option(name, value, text));
}
Argument* Arguments::add_option(const std::string& name, std::filesystem::path& value, const std::string& text) {
  return keep(app_->add_option(name, value, text));
}
Argument* Arguments::add_flag(const std::string& name, bool& value, const std::string& text) {
  return keep(app_->add_flag(name, value, text));
}
template <class T>
Argument* Arguments::add_number(const std::string& name, T& value, const std::string& text) {
  return keep(app_->add_option(name, value, text)->check(CLI::Validator(check_number<T>, "")));
}
template Argument* Arguments::add_number(const std::string&, int&, const std::string&);
template Argument* Arguments::add_number(const std::string&, long&, const std::string&);
template Argument* Arguments::add_number(const std::string&, std::uint64_t&, const std::string&);
template Argument* Arguments::add_number(const std::string&, double&, const std::string&);

void Arguments::footer(const std::string& text) { app_->footer(text); }

bool Arguments::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    return true;
  } catch (const CLI::ExtrasError&) {
    std::string all;  // in the order in which they came
    for (const std::string& one : app_->remaining()) all += ' ' + one;
    rival::fail("expected no such arguments:", all, suggestion(*app_, app_->remaining()),
                " (--help lists the options)");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) rival::fail(error.what());
    app_->exit(error);
    return false;
  }
}

GivenOptions Arguments::given() const {
  GivenOptions given;
  for (const auto* option : app_->get_options())
    if (option->count() > 0) given.insert(option->get_name());
  return given;
}

bool parse_arguments(Arguments& app, int argc, char** argv) { return app.parse(argc, argv); }

void add_training_options(Arguments& app, TrainingOptions& o) {
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

bool parse_training_arguments(Arguments& app, int argc, char** argv, TrainingOptions& o) {
  if (!app.parse(argc, argv)) return false;
  o.given = app.given();
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
