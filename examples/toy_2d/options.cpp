#include "options.hpp"

#include "common/command_line.hpp"
#include "recipes.hpp"

bool parse(int argc, char** argv, Options& o) {
  std::string names;
  for (const auto& [name, make] : recipes()) names += (names.empty() ? "" : ", ") + name;

  Arguments app(
      "Trains a generator and a discriminator against each other on points in the plane, and counts the modes.");
  app.add_option("--problem", o.problem, "ring (8 Gaussians) or grid (25)")->capture_default_str();
  app.add_option("--recipe", o.recipe, "one of " + names)->capture_default_str();
  auto* steps = add_number(app, "--steps", o.steps, "training steps; the recipe's if not given");
  app.add_flag("--tensorboard", o.tensorboard, "write TensorBoard's event files, to the folder tensorboard in --out");
  add_training_options(app, o);
  if (!parse_training_arguments(app, argc, argv, o)) return false;

  using rival::require;
  require(o.problem == "ring" || o.problem == "grid", "--problem: expected ring or grid, got ", o.problem);
  require(recipes().contains(o.recipe), "--recipe: expected one of ", names, ", got ", o.recipe);
  require(steps->count() == 0 || o.steps >= 1, "--steps: expected at least 1, got ", o.steps);
  return true;
}
