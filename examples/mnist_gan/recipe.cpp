#include "recipe.hpp"

#include <algorithm>
#include <string>

#include "common/gan_training.hpp"
#include "rival/gan/architectures.hpp"
#include "rival/gan/recipes/recipes.hpp"

namespace {

rival::Generator<> make_generator(const Options& o, const rival::Random& random) {
  if (o.architecture == "dense") return rival::dense_generator(random, o.latent);
  if (o.architecture == "tfdcgan") return rival::tfdcgan_generator(random, o.latent);
  return rival::dcgan28_generator(random, o.latent);
}

rival::Discriminator<> make_discriminator(const Options& o, const rival::Random& random) {
  if (o.architecture == "dense") return rival::dense_discriminator(random);
  if (o.architecture == "tfdcgan") return rival::tfdcgan_discriminator(random);
  return rival::dcgan28_discriminator(random);
}

/// What the example trains by itself, tuned for one pass through the digits.
rival::Recipe<> own_recipe(const Options& o) {
  const rival::Random random = rival::Random(o.seed).stream("weights");
  // Falling to nothing over the second half, the rate lets the two settle: the last picture is the best one.
  const rival::Schedule fall =
      rival::over_run([](long steps) { return rival::linear_decay({.steps = steps, .start = steps / 2}); });
  const rival::AdamOptions adam{.learning_rate = o.learning_rate, .beta1 = o.beta1, .schedule = fall};
  // Smoothed labels keep the discriminator from being too sure for the generator to learn from it.
  return {make_generator(o, random),
          make_discriminator(o, random),
          {.loss = rival::non_saturating({.real_label = 0.9}),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

}  // namespace

rival::Recipe<> make_recipe(Options& o, const rival::LabelledImages& pictures) {
  const rival::Dataset& images = pictures.data;
  const auto source = o.images.empty() ? o.data : o.images;
  if (!o.recipe.empty()) {
    const auto recipe = rival::find_recipe(o.recipe);
    if (o.epochs == 0) o.epochs = recipe.epochs;
    if (o.batch == 0) o.batch = recipe.batch;
  }
  rival::require(o.batch <= images.size(), "--batch: expected at most the ", images.size(), " images in ", source,
                 ", got ", o.batch);
  const long per_epoch = images.size() / o.batch;  // batches
  rival::Recipe<> recipe =
      o.recipe.empty() ? own_recipe(o)
                       : rival::find_recipe(o.recipe).make(
                             {.classes = images.has_labels() ? images.classes() : rival::RecipeOptions().classes,
                              .batch = o.batch,
                              .seed = o.seed});
  const auto& generator = recipe.generator;
  rival::require(images.sample_shape() == generator.output_shape(), o.images.empty() ? "--data" : "--images",
                 ": expected images of ", generator.output_shape(), " for ",
                 o.recipe.empty() ? o.architecture : o.recipe, ", got ", images.sample_shape(), " in ", source);
  rival::require(o.batch > 1 || (o.recipe.empty() && o.architecture == "dcgan28"), "--batch: expected at least 2 for ",
                 o.recipe.empty() ? "the batch norm of " + o.architecture : o.recipe, ", got 1");
  rival::require(per_epoch >= recipe.options.discriminator_steps, "--batch: expected at most ",
                 images.size() / recipe.options.discriminator_steps, " for the ", recipe.options.discriminator_steps,
                 " discriminator steps of ", o.recipe, ", got ", o.batch);
  // Steps that are asked for are taken, unless epochs are that end earlier. A run that goes on knows its epochs.
  const long steps = per_epoch / recipe.options.discriminator_steps;
  if (o.given.count("--epochs") == 0 && !o.checkpoints.resume)
    o.epochs = std::max<long>(o.epochs, (o.steps + steps - 1) / steps);
  rival::require(recipe.options.labels != rival::LabelSource::data || images.has_labels(),
                 "--recipe: expected pictures with labels for ", o.recipe, ", got none in ", source);
  return recipe;
}

long class_to_sample(const Options& o, const rival::LabelledImages& pictures, const rival::Recipe<>& recipe) {
  const rival::Index classes = label_classes(recipe, pictures.data);
  rival::require(o.label.empty() || classes > 0,
                 "--label: expected a conditional recipe (cgan, acgan, projection or infogan), got ",
                 o.recipe.empty() ? "none" : o.recipe);
  // Labels are what the file calls its classes, whose error tells a range of them.
  if (o.label.empty() || recipe.options.labels != rival::LabelSource::data)
    return class_to_sample(o.label, recipe, pictures.data, {});
  rival::require(o.label.size() <= 9 && o.label.find_first_not_of("0123456789") == o.label.npos,
                 "--label: expected a class, got ", o.label);
  try {
    return static_cast<long>(pictures.class_of(std::stol(o.label)));
  } catch (const rival::Error& error) {
    rival::fail("--label: ", error.what());
  }
}
