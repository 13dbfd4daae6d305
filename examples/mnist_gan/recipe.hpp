#pragma once
// What mnist_gan trains, and how.

#include <string>
#include <vector>

#include "options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/data/mnist.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// The recipe for the options and these images. Fills in the epochs and the batch that the options leave to it. Throws
/// rival::Error for options that do not go together or do not fit the images.
rival::Recipe<> make_recipe(Options& options, const rival::LabelledImages& pictures);

/// Classes that the recipe's networks are told of; 0: none.
rival::Index label_classes(const rival::Recipe<>& recipe, const rival::Dataset& images);

/// What the labels' file calls these classes; empty where the recipe draws them itself.
std::vector<std::string> class_names(const rival::Recipe<>& recipe, const rival::LabelledImages& pictures);
