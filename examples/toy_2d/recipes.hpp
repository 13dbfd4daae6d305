#pragma once
// Ways to train on points in the plane, each a plain function.

#include <functional>
#include <map>
#include <string>

#include "rival/rival.hpp"

/// All that there is to a training run, but for the data.
struct ToyRecipe {
  rival::Generator<> generator;
  rival::Discriminator<> discriminator;
  rival::TrainerOptions<> training;
  long steps;
};

/// A recipe for so many steps, or, for 0, for as many as it is meant for.
using MakeRecipe = std::function<ToyRecipe(long steps, const rival::Random& random)>;

/// All recipes by name.
const std::map<std::string, MakeRecipe>& recipes();

/// The generator with its last layer's weights times `unit`: its points are where the data's are, not in units of their
/// deviation, so that it can be used by itself.
rival::Generator<> in_the_plane(const rival::Generator<>& generator, double unit);
