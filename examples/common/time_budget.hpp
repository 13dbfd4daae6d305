#pragma once
// How many steps fit into the time that a training is to take.

#include <string>

#include "common/training_options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// Sets `steps` to those that this machine makes in so many minutes, by a trial of some of them, and returns what is to
/// be said of it.
std::string choose_steps(long& steps, double minutes, rival::Recipe<> recipe, const rival::Dataset& data);

/// The seconds at which such a run ends; 0: at its last step. One that goes on is not held to the minutes that it was
/// begun with, as its steps are known.
double time_limit(const TrainingOptions& options, double minutes);
