#pragma once
// All recipes, by name.

#include <array>
#include <string>
#include <string_view>

#include "rival/gan/recipes/conditional.hpp"
#include "rival/gan/recipes/r3gan.hpp"
#include "rival/gan/recipes/rpgan.hpp"
#include "rival/gan/recipes/unconditional.hpp"

namespace rival {

/// A recipe for images, and how long it takes.
template <class S = float>
struct NamedRecipe {
  std::string_view name;                    ///< as a program's options have it, such as "wgan-gp"
  Recipe<S> (*make)(const RecipeOptions&);  ///< makes its networks and options
  // What a first good picture takes in some minutes on a CPU: papers train longer, on larger batches.
  Index epochs;  ///< over 60,000 images
  Index batch;   ///< images in a training step
};

/// All recipes for images, each once, the one to begin with first.
template <class S = float>
constexpr std::array<NamedRecipe<S>, 13> named_recipes() {
  using namespace recipes;
  return {{{"rpgan", rpgan<S>, 5, 16},
           {"gan", gan<S>, 10, 32},
           {"dcgan", dcgan<S>, 1, 32},
           {"lsgan", lsgan<S>, 1, 32},
           {"wgan", wgan<S>, 8, 32},
           {"wgan-gp", wgan_gp<S>, 5, 32},
           {"sngan", sngan<S>, 1, 32},
           {"dragan", dragan<S>, 2, 32},
           {"r3gan", r3gan<S>, 2, 32},
           {"cgan", cgan<S>, 10, 32},
           {"acgan", acgan<S>, 1, 32},
           {"projection", projection<S>, 2, 32},
           {"infogan", infogan<S>, 1, 32}}};
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
