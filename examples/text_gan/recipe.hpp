#pragma once
// What text_gan trains.

#include "lines.hpp"
#include "options.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// The recipe for the options and these lines; of a folder's texts a conditional one. Throws rival::Error for options
/// that do not fit the lines.
rival::Recipe<> make_recipe(Options& options, const Lines& lines);
