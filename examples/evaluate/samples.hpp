#pragma once
// What evaluate compares: samples from files of several kinds.

#include <vector>

#include "options.hpp"
#include "rival/core/labels.hpp"
#include "rival/data/dataset.hpp"

/// The data set --real.
rival::Dataset read_real(const Options& options);

struct Made {
  rival::Tensor<float> samples;
  std::vector<rival::Label> classes;  ///< that they were made for; empty if nobody said
};

/// SAMPLES: at most `most` of them.
Made read_made(const Options& options, const rival::Dataset& real, rival::Index most);
