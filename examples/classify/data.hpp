#pragma once
// What classify trains on and tests with.

#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"

struct Data {
  rival::Dataset train, test;
  std::vector<std::string> class_names;  ///< what the files call the classes
  std::string description;               ///< of a folder of pictures, in lines
};

/// The two parts of the folder --data, or the files of --images. Of a folder of pictures some are held out, at random.
/// Throws rival::Error for data without labels, or of which nothing would be left.
Data read_data(const Options& options);
