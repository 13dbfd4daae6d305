#include "recipe.hpp"

#include <algorithm>
#include <utility>

#include "common/gan_training.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/layers/augment.hpp"

namespace {

/// The discriminator behind random changes that pictures, real and made, go through.
rival::Discriminator<> augmented(const rival::Discriminator<>& plain) {
  rival::Sequential<> layers(rival::Augment<>({.translation = 0.125, .cutout = 0.25, .brightness = 0.2}));
  for (rival::Index i = 0; i < plain.layers().size(); ++i) layers.add(plain.layers()[i].clone());
  return {plain.input_shape(), std::move(layers), plain.name(), plain.heads()};
}

}  // namespace

void decide(Options& o, const Pictures& pictures, std::vector<std::string>& words) {
  const rival::Index count = pictures.data.size();
  if (o.batch == 0)
    o.batch = static_cast<long>(std::min(rival::find_recipe(o.recipe).batch, std::max<rival::Index>(2, count / 4)));
  if (o.augment == "auto") {
    o.augment = count < 10'000 ? "on" : "off";
    words.push_back(rival::internal::concatenate("augmentation is ", o.augment, ", for ", count,
                                                 " pictures (--augment on or off says otherwise)"));
  }
  if (count < 1000)
    words.push_back(rival::internal::concatenate(
        "warning: ", count,
        " pictures are few: the networks may learn them by heart. report.html shows samples beside "
        "the pictures that are nearest to them"));
}

rival::Recipe<> make_recipe(const Options& o, const Pictures& pictures) {
  const rival::Dataset& images = pictures.data;
  rival::require(images.size() >= 4, "expected at least 4 pictures, got ", images.size());
  rival::require(o.batch >= 2, "--batch: expected at least 2, got ", o.batch);
  rival::require(o.batch <= images.size(), "--batch: expected at most the ", images.size(), " pictures, got ", o.batch);
  rival::Recipe<> recipe = rival::find_recipe(o.recipe).make(
      {.classes = images.has_labels() ? images.classes() : rival::RecipeOptions().classes,
       .batch = o.batch,
       .seed = o.seed,
       .image = images.sample_shape(),
       .width = o.width});
  rival::require(recipe.options.labels != rival::LabelSource::data || images.has_labels(),
                 "--recipe: expected pictures with classes for ", o.recipe, ", got none in ", o.data);
  const rival::Index per_epoch = images.size() / o.batch;
  rival::require(per_epoch >= recipe.options.discriminator_steps, "--batch: expected at most ",
                 images.size() / recipe.options.discriminator_steps, " for the ", recipe.options.discriminator_steps,
                 " discriminator steps of ", o.recipe, ", got ", o.batch);
  if (o.augment == "off") return recipe;
  return {std::move(recipe.generator), augmented(recipe.discriminator), std::move(recipe.options)};
}
