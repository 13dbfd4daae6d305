#pragma once
// All recipes, by name.

#include <array>
#include <string>
#include <string_view>

#include "rival/gan/recipes/conditional.hpp"
#include "rival/gan/recipes/r3gan.hpp"
#include "rival/gan/recipes/unconditional.hpp"

namespace rival {

template <class S = float>
struct NamedRecipe {
  std::string_view name;
  Recipe<S> (*make)(const RecipeOptions&);
  Index epochs;  ///< over 60,000 images that a first good picture takes
};

template <class S = float>
constexpr std::array<NamedRecipe<S>, 12> named_recipes() {
  using namespace recipes;
  return {{{"gan", gan<S>, 15},
           {"dcgan", dcgan<S>, 2},
           {"lsgan", lsgan<S>, 2},
           {"wgan", wgan<S>, 4},
           {"wgan-gp", wgan_gp<S>, 3},
           {"sngan", sngan<S>, 1},
           {"dragan", dragan<S>, 1},
           {"r3gan", r3gan<S>, 1},
           {"cgan", cgan<S>, 15},
           {"acgan", acgan<S>, 2},
           {"projection", projection<S>, 3},
           {"infogan", infogan<S>, 2}}};
}

/// Throws Error, naming all recipes, when there is none of that name.
template <class S = float>
NamedRecipe<S> find_recipe(std::string_view name) {
  std::string all;
  for (const auto& recipe : named_recipes<S>()) {
    if (recipe.name == name) return recipe;
    all += (all.empty() ? "" : ", ") + std::string(recipe.name);
  }
  fail("recipe: expected one of ", all, ", got ", name);
}

}  // namespace rival
