#pragma once
// The files that a run leaves behind.

#include <filesystem>
#include <string>
#include <vector>

#include "options.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/image/gif.hpp"

/// What a run has to show.
struct Results {
  std::string summary;
  std::vector<rival::StepReport> steps;
  const rival::Animation& animation;
  const rival::Tensor<float>& samples;           ///< for the grid
  rival::Index columns;                          ///< of the grid
  const rival::Tensor<std::uint8_t>& generated;  ///< N x 28 x 28, perhaps empty
};

/// Writes all files and returns their paths.
std::vector<std::filesystem::path> write_outputs(const std::filesystem::path& folder, const Results& results);
