#pragma once
// Digits of which few are labelled.

#include <cstdint>
#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"

struct Digits {
  rival::Dataset train, test;
  std::vector<std::string> class_names;
};

/// Throws rival::Error unless the folder has pictures of 28x28x1 with labels, of 2 to 10 classes.
Digits read_digits(const Options& options);

/// So many samples of each class, drawn by the seed. Throws rival::Error for a class that has fewer.
rival::Dataset few_of_each_class(const rival::Dataset& data, long count, std::uint64_t seed);

/// All samples but those of one class, of which a hundredth is kept, at least one, drawn by the seed.
rival::Dataset with_class_cut(const rival::Dataset& data, rival::Label cut, std::uint64_t seed);
