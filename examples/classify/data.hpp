#pragma once
// What classify trains on and tests with.

#include <cstdint>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"

struct Data {
  rival::Dataset train, test;
  std::vector<std::int64_t> class_values;  ///< what the files call the classes
};

/// The two parts of the folder --data, or the files of --images. Throws rival::Error for data without labels, or of
/// which nothing would be left.
Data read_data(const Options& options);
