#include "recipe.hpp"

#include <algorithm>

#include "rival/gan/recipes/text.hpp"

rival::Recipe<> make_recipe(Options& o, const Lines& lines) {
  const rival::Index count = lines.training.size(), classes = lines.training.classes();
  const auto make = [&] {
    const rival::TextRecipeOptions options{.length = lines.length(),
                                           .symbols = lines.text.alphabet.symbols(),
                                           .classes = classes,
                                           .batch = o.batch,
                                           .width = o.width,
                                           .seed = o.seed};
    return o.recipe == "rpgan" ? rival::recipes::text_rpgan(options) : rival::recipes::text_wgan_gp(options);
  };
  // Few lines have small batches, unless it is said how large they are.
  if (o.given.count("--batch") == 0)
    o.batch = std::max(2L, std::min<long>(o.batch, count / make().options.discriminator_steps));
  rival::Recipe<> recipe = make();
  rival::require(o.batch * recipe.options.discriminator_steps <= count, "--batch: expected at most ",
                 count / recipe.options.discriminator_steps, " for the ", recipe.options.discriminator_steps,
                 " discriminator steps of ", o.recipe, " and ", count, " lines, got ", o.batch);
  rival::require(o.label.empty() || classes > 0, "--label: expected a folder of texts, whose names are classes");
  return recipe;
}
