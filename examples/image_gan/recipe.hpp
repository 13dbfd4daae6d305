#pragma once
// What image_gan trains.

#include <string>
#include <vector>

#include "options.hpp"
#include "pictures.hpp"
#include "rival/gan/recipes/recipe.hpp"

/// Decides what the options leave open: batch, and whether to augment. Each decision is a line of `words`.
void decide(Options& options, const Pictures& pictures, std::vector<std::string>& words);

/// The recipe for decided options. Throws rival::Error for options that do not fit the pictures.
rival::Recipe<> make_recipe(const Options& options, const Pictures& pictures);
