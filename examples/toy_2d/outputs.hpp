#pragma once
// The pictures and files of toy_2d.

#include <filesystem>
#include <string>
#include <vector>

#include "rival/data/synthetic.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/image/gif.hpp"

/// `samples` {N, 2} over the scores that the discriminator gives to places around them, with rings around the real
/// centres. The discriminator takes points in units of `unit`.
rival::Image picture(const rival::Tensor<float>& samples, const rival::GaussianMixture& real,
                     const rival::Discriminator<>& discriminator, double unit, rival::Index size);

/// What a run has to show.
struct Results {
  std::string summary;
  const rival::Tensor<float>& samples;  ///< N x 2
  const rival::Image& picture;
  const rival::Animation& animation;
};

/// Writes all files and returns their paths.
std::vector<std::filesystem::path> write_outputs(const std::filesystem::path& folder, const Results& results);
