#pragma once
// The command line of generate.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

struct Options {
  std::filesystem::path weights, discriminator;
  long count = 64;
  long best_of = 3;                  ///< tries a sample, with `discriminator`
  std::optional<std::string> label;  ///< none: sample i is of class i modulo their number
  std::uint64_t seed = 0;
  std::optional<double> truncation;
  int threads = 0;                                                   ///< 0: as many as OpenMP takes
  std::filesystem::path grid, npy, walk, gif, wav, text, to_export;  ///< empty: not written
  std::optional<double> temperature;  ///< of the symbols of a text's samples; none: the most likely ones
};

/// Throws rival::Error for what is wrong by itself. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
