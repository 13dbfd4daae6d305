#pragma once
// How many steps fit into the time that a training is to take.

#include <string>

#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// Sets `steps` to those that this machine makes in so many minutes, by a trial of some of them, and returns what is to
/// be said of it.
std::string choose_steps(long& steps, double minutes, rival::Recipe<> recipe, const rival::Dataset& data);
