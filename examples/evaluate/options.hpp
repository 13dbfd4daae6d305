#pragma once
// The command line of evaluate.

#include <cstdint>
#include <filesystem>
#include <vector>

struct Options {
  std::filesystem::path samples;
  std::filesystem::path classes;  ///< of the samples; empty: not said
  std::filesystem::path real = RIVAL_MNIST_DIR;
  std::filesystem::path labels;              ///< of the real samples, if `real` is a file
  std::filesystem::path classifier;          ///< empty: the digits' own for MNIST, none for other data
  std::vector<std::filesystem::path> modes;  ///< classifiers; if there are any, the modes they tell apart are counted
  bool transpose = false;
  bool accuracy = false;
  long size = 0;  ///< of pictures in folders; 0: as they are
  long count = 10'000;
  std::uint64_t seed = 0;
  int threads = 0;            ///< 0: as many as OpenMP takes
  std::filesystem::path csv;  ///< empty: not written
};

/// Throws rival::Error for what is wrong by itself. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
