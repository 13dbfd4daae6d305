#pragma once
// How many steps fit into the time that a training is to take.

#include <string>

#include "common/training_options.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/recipe.hpp"

class Arguments;

/// --minutes, which stands in the place of --steps.
void add_minutes(Arguments& app, double& minutes);
/// Throws rival::Error for minutes that cannot be.
void check_minutes(const TrainingOptions& options, double minutes);

/// Where no steps are given, sets `steps` to those that this machine makes in so many minutes, by a trial of some of
/// them, and returns what is to be said of it; "" where there is nothing to say. A run whose steps were given has no
/// limit: `minutes` becomes 0.
std::string choose_steps(const TrainingOptions& options, long& steps, double& minutes, const rival::Recipe<>& recipe,
                         const rival::Dataset& data);

/// The seconds at which such a run ends; 0: at its last step. One that goes on is not held to the minutes that it was
/// begun with, as its steps are known.
double time_limit(const TrainingOptions& options, double minutes);
