#pragma once
// How many steps fit into the time that a training is to take.

#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// The steps that this machine makes in so many minutes, by a trial of some of them.
long steps_in(double minutes, rival::Recipe<> recipe, const rival::Dataset& data);
