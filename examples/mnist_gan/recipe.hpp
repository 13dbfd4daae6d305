#pragma once
// What mnist_gan trains, and how.

#include "options.hpp"
#include "rival/data/mnist.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// The recipe for the options and these images. Fills in the epochs and the batch that the options leave to it. Throws
/// rival::Error for options that do not go together or do not fit the images.
rival::Recipe<> make_recipe(Options& options, const rival::LabelledImages& pictures);
/// The class that --label names; -1: all. Throws rival::Error for one that there is not.
long class_to_sample(const Options& options, const rival::LabelledImages& pictures, const rival::Recipe<>& recipe);
