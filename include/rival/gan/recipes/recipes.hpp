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
  return {{{"gan", gan<S>, 20},
           {"dcgan", dcgan<S>, 3},
           {"lsgan", lsgan<S>, 3},
           {"wgan", wgan<S>, 10},
           {"wgan-gp", wgan_gp<S>, 8},
           {"sngan", sngan<S>, 3},
           {"dragan", dragan<S>, 3},
           {"r3gan", r3gan<S>, 3},
           {"cgan", cgan<S>, 20},
           {"acgan", acgan<S>, 3},
           {"projection", projection<S>, 5},
           {"infogan", infogan<S>, 3}}};
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
