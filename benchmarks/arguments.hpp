#pragma once
// The command line that the programs share, in front of Google Benchmark's own options:
//
//   --batches 1,4,16   --threads 1,2,4   --shapes FILE (again and again for several)
//
// A program takes those that it has a default for.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {

/// 1, 2 and as many as the machine has.
inline std::vector<std::int64_t> usual_threads() {
  const std::set<std::int64_t> counts{1, 2, std::max<std::int64_t>(1, std::thread::hardware_concurrency())};
  return {counts.begin(), counts.end()};
}

struct Arguments {
  std::vector<std::int64_t> batches = {};
  std::vector<std::int64_t> threads = usual_threads();
  std::vector<std::string> shapes = {};
};

/// Numbers with commas between them; empty if that is not what the text holds.
inline std::vector<std::int64_t> parse_counts(const std::string& text) {
  std::vector<std::int64_t> counts;
  std::istringstream fields(text);
  for (std::string field; std::getline(fields, field, ',');) {
    std::int64_t count = 0;
    const char* const end = field.data() + field.size();
    const auto [parsed, error] = std::from_chars(field.data(), end, count);
    if (error != std::errc() || parsed != end || count < 1) return {};
    counts.push_back(count);
  }
  return counts;
}

/// Takes its own options out of the command line, registers what they ask for and runs it. The value for `main`.
template <class Register>
int run(int argc, char** argv, Arguments arguments, const Register& register_benchmarks) {
  const Arguments defaults = arguments;
  std::vector<char*> rest{argv[0]};
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i], name = argument.substr(0, argument.find('='));
    const auto is = [&](std::string_view option, const auto& list) { return name == option && !list.empty(); };
    const bool batches = is("--batches", defaults.batches), shapes = is("--shapes", defaults.shapes);
    if (!batches && !shapes && !is("--threads", defaults.threads)) {
      rest.push_back(argv[i]);
      continue;
    }
    const std::string value(name != argument ? argument.substr(name.size() + 1) : i + 1 < argc ? argv[++i] : "");
    if (shapes) {
      if (arguments.shapes == defaults.shapes) arguments.shapes.clear();
      arguments.shapes.push_back(value);
      continue;
    }
    auto& counts = batches ? arguments.batches : arguments.threads;
    counts = parse_counts(value);
    if (counts.empty()) {
      std::fprintf(stderr, "%s: expected numbers as in 1,2,4, got '%s'\n", std::string(name).c_str(), value.c_str());
      return 2;
    }
  }
  register_benchmarks(arguments);
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace bench
