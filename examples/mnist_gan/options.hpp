#pragma once
// The command line of mnist_gan.

#include <cstdint>
#include <filesystem>
#include <string>

struct Options {
  std::string architecture = "dcgan28";
  std::filesystem::path data = RIVAL_MNIST_DIR;
  std::filesystem::path out = "mnist_gan_out";
  long epochs = 1;
  long steps = 0;  ///< 0: all of the epochs'
  long batch = 32;
  long latent = 100;
  double learning_rate = 3e-4;
  double beta1 = 0.5;
  std::uint64_t seed = 1;
  int threads = 0;        ///< 0: as many as OpenMP takes
  long sample_every = 0;  ///< 0: so that the animation has some 40 frames
  long samples = 0;       ///< 0: no generated.npy
  bool quiet = false;
};

/// Throws rival::Error for what cannot be run. Returns false when only help was asked for (and given).
bool parse(int argc, char** argv, Options& options);
