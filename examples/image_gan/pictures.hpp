#pragma once
// The pictures that image_gan trains on.

#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"

struct Pictures {
  rival::Dataset data;                   ///< squares of 28, 32 or 64 pixels
  std::vector<std::string> class_names;  ///< none: without classes
  std::string description;               ///< what was made of the folder or file, in lines
};

/// Throws rival::Error for what is no folder or file of pictures, and for pictures of other sizes in a file.
Pictures read_pictures(const Options& options);
