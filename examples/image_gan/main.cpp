// Trains a GAN on your own pictures. `--help` lists the options.

#include <string>
#include <vector>

#include "common/gan_training.hpp"
#include "common/picture_training.hpp"
#include "common/time_budget.hpp"
#include "options.hpp"
#include "pictures.hpp"
#include "recipe.hpp"

namespace {

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "image_gan", o);
  const Pictures pictures = read_pictures(o);
  std::vector<std::string> words;
  if (!resume) words.push_back(pictures.description);
  decide(o, pictures, words);
  rival::Recipe<> recipe = make_recipe(o, pictures);
  if (const auto word = choose_steps(o, o.steps, o.minutes, recipe, pictures.data); !word.empty())
    words.push_back(word);
  const long label = class_to_sample(o.label, recipe, pictures.data, pictures.class_names);
  const rival::Index per_epoch = pictures.data.size() / o.batch / recipe.options.discriminator_steps;
  o.epochs = static_cast<long>(o.steps / per_epoch + 1);
  return train_pictures(PictureTraining{
      .program = "image_gan",
      .options = o,
      .settings = o,
      .asked = o,
      .checkpoints = checkpoints,
      .images = pictures.data,
      .source = o.data,
      .recipe = recipe,
      .class_names = pictures.class_names,
      .label = label,
      .heading = rival::internal::concatenate("pictures ", o.data.string(), ", ", pictures.data.size(), ", recipe ",
                                              o.recipe, ", batch ", o.batch, ", augmentation ", o.augment),
      .words = words,
      .seconds = time_limit(o, o.minutes)});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("image_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
