#pragma once
// Digits of which few are labelled.

#include <cstdint>
#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/generator.hpp"
#include "rival/train/classifier.hpp"

struct Digits {
  rival::Dataset train, test;
  std::vector<std::string> class_names;
};

/// Throws rival::Error unless the folder has pictures of 28x28x1 with labels, of 2 to 10 classes.
Digits read_digits(const Options& options);

/// The same pictures as numbers from 0 to 1 in the place of -1 to 1, which the recipe semi_supervised asks for.
rival::Dataset from_zero_to_one(const rival::Dataset& pictures);

/// Networks of pictures from 0 to 1, made into networks of usual pictures, from -1 to 1, that say and make the same:
/// the weights next to the picture take over what a number's range is. Throws rival::Error for networks that do not
/// begin, or end, as the recipe's do.
rival::Classifier<> of_usual_pictures(rival::Classifier<> classifier);
rival::Generator<> of_usual_pictures(const rival::Generator<>& generator);

/// So many samples of each class, drawn by the seed. Throws rival::Error for a class that has fewer.
rival::Dataset few_of_each_class(const rival::Dataset& data, long count, std::uint64_t seed);

/// All samples but those of one class, of which a hundredth is kept, at least one, drawn by the seed.
rival::Dataset with_class_cut(const rival::Dataset& data, rival::Label cut, std::uint64_t seed);
