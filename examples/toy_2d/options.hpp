#pragma once
// The command line of toy_2d.

#include <cstdint>
#include <filesystem>
#include <string>

struct Options {
  std::string problem = "ring";
  std::string recipe = "rpgan-r1r2";
  std::filesystem::path out = "toy_2d_out";
  long steps = 0;  ///< 0: the recipe's
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: as many as OpenMP takes
  bool quiet = false;
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
