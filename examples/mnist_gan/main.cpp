// Trains a GAN on handwritten digits and writes pictures of what it has learnt. `--help` lists the options.

#include <set>
#include <string_view>

#include "common/data_file.hpp"
#include "common/picture_training.hpp"
#include "data.hpp"
#include "options.hpp"
#include "recipe.hpp"

namespace {

std::string heading(const Options& o, const rival::Recipe<>& recipe) {
  if (o.recipe.empty())
    return rival::internal::concatenate("architecture ", o.architecture, ", batch ", o.batch, ", latent ", o.latent,
                                        ", Adam learning rate ", o.learning_rate, ", beta1 ", o.beta1);
  return rival::internal::concatenate("recipe ", o.recipe, ", batch ", o.batch, ", discriminator steps ",
                                      recipe.options.discriminator_steps);
}

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  if (o.checkpoints.resume) resume_options(checkpoints, "mnist_gan", o);
  Options asked = o;
  const rival::LabelledImages pictures = read_data(o);
  rival::Recipe<> recipe = make_recipe(o, pictures);
  const long label = class_to_sample(o, pictures, recipe);
  asked.epochs = o.epochs, asked.batch = o.batch;
  o.evaluate = evaluation_of(o);
  if (o.best_of == 0) o.best_of = o.recipe == "rpgan" ? 3 : 1;
  std::set<std::string_view> unused;
  if (!o.recipe.empty()) unused = {"--latent", "--learning-rate", "--beta1"};  // which has its own
  return train_pictures(PictureTraining{.program = "mnist_gan",
                                        .options = o,
                                        .settings = o,
                                        .asked = asked,
                                        .checkpoints = checkpoints,
                                        .images = pictures.data,
                                        .source = o.images.empty() ? o.data : o.images,
                                        .recipe = recipe,
                                        .class_names = names_of(pictures.class_values),
                                        .label = label,
                                        .heading = heading(o, recipe),
                                        .unused = unused});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("mnist_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
