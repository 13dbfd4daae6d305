// Trains a GAN on handwritten digits and writes pictures of what it has learnt. `--help` lists the options.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <limits>
#include <new>
#include <optional>
#include <sstream>

#include "common/output_folder.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "rival/data/mnist.hpp"
#include "rival/gan/recipes/recipes.hpp"
#include "rival/rival.hpp"

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C lets the step end; the second one kills.
void interrupt(int signal) {
  interrupted = signal;
  std::signal(signal, SIG_DFL);
}

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
rival::Recipe<> own_recipe(const Options& o, long steps) {
  const rival::Random random = rival::Random(o.seed).stream("weights");
  // Falling to nothing over the second half, the rate lets the two settle: the last picture is the best one.
  const rival::AdamOptions adam{.learning_rate = o.learning_rate,
                                .beta1 = o.beta1,
                                .schedule = rival::linear_decay({.steps = steps, .start = steps / 2})};
  // Smoothed labels keep the discriminator from being too sure for the generator to learn from it.
  return {make_generator(o, random),
          make_discriminator(o, random),
          {.loss = rival::non_saturating({.real_label = 0.9}),
           .batch = o.batch,
           .generator_optimizer = adam,
           .discriminator_optimizer = adam,
           .seed = o.seed}};
}

std::string describe(const Options& o, const rival::StepReport& last, rival::Recipe<>& recipe) {
  std::ostringstream text;
  if (o.recipe.empty())
    text << "architecture " << o.architecture << ", batch " << o.batch << ", latent " << o.latent
         << ", Adam learning rate " << o.learning_rate << ", beta1 " << o.beta1;
  else
    text << "recipe " << o.recipe << ", batch " << o.batch << ", discriminator steps "
         << recipe.options.discriminator_steps;
  text << ", seed " << o.seed << ", threads " << rival::threads() << "\n\n"
       << "steps " << last.steps_done << " of " << last.steps_in_all << (interrupted ? " (interrupted)" : "")
       << ", epochs " << last.epoch << ", seconds " << last.seconds << ", images/s " << last.images_per_second << "\n"
       << "last step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", penalty " << last.penalty << ", auxiliary loss " << last.auxiliary_loss << ", mean score of real "
       << last.real_score << ", of generated " << last.fake_score << ", accuracy " << last.accuracy << "\n\n"
       << rival::summary(recipe.generator) << '\n'
       << rival::summary(recipe.discriminator);
  return text.str();
}

/// The latent vectors and labels of a picture of samples.
struct Latents {
  rival::Tensor<float> vectors;
  std::vector<std::uint8_t> labels;
  rival::Index columns;
};

void draw(const rival::Recipe<>& recipe, rival::Random& random, rival::Tensor<float>& vectors) {
  if (recipe.options.draw_latent)
    recipe.options.draw_latent(vectors, random);
  else
    random.fill_normal(vectors);
}

/// 64 samples; of a conditional recipe a row a class, and the same latent vectors in each row, or with --label 64 of
/// one class.
Latents picture_latents(const Options& o, const rival::Recipe<>& recipe, rival::Random& random, rival::Index classes) {
  const rival::Index latent = recipe.generator.latent();
  if (classes == 0 || o.label >= 0) {
    Latents all{rival::Tensor<float>({64, latent}), {}, 8};
    draw(recipe, random, all.vectors);
    if (classes > 0) all.labels.assign(64, static_cast<std::uint8_t>(o.label));
    return all;
  }
  rival::Tensor<float> row({10, latent});
  draw(recipe, random, row);
  Latents all{rival::Tensor<float>({classes * 10, latent}), {}, 10};
  for (rival::Index k = 0; k < classes; ++k) {
    std::copy_n(row.data(), row.size(), all.vectors.data() + k * row.size());
    all.labels.insert(all.labels.end(), 10, static_cast<std::uint8_t>(k));
  }
  return all;
}

int run(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  rival::Mnist digits(o.data);
  const rival::ImageDataset& images = digits.train();
  if (!o.recipe.empty()) {
    const auto recipe = rival::find_recipe(o.recipe);
    if (o.epochs == 0) o.epochs = recipe.epochs;
    if (o.batch == 0) o.batch = recipe.batch;
  }
  // All that can be wrong is found before anything is written.
  rival::require(o.batch <= images.size(), "--batch: expected at most the ", images.size(), " images in ", o.data,
                 ", got ", o.batch);
  const long per_epoch = images.size() / o.batch;
  const long batches = std::min(o.epochs, std::numeric_limits<long>::max() / per_epoch) * per_epoch;
  const long steps_in_all = o.steps > 0 ? std::min(o.steps, batches) : batches;  // with one discriminator step each
  rival::Recipe<> recipe = o.recipe.empty()
                               ? own_recipe(o, steps_in_all)
                               : rival::find_recipe(o.recipe).make({.classes = std::max<long>(1, images.classes()),
                                                                    .images = steps_in_all * o.batch,
                                                                    .batch = o.batch,
                                                                    .seed = o.seed});
  auto& generator = recipe.generator;
  rival::require(images.sample_shape() == generator.output_shape(), "--data: expected images of ",
                 generator.output_shape(), " for ", o.recipe.empty() ? o.architecture : o.recipe, ", got ",
                 images.sample_shape(), " in ", o.data);
  rival::require(o.batch > 1 || (o.recipe.empty() && o.architecture == "dcgan28"), "--batch: expected at least 2 for ",
                 o.recipe.empty() ? "the batch norm of " + o.architecture : o.recipe, ", got 1");
  rival::require(per_epoch >= recipe.options.discriminator_steps, "--batch: expected at most ",
                 images.size() / recipe.options.discriminator_steps, " for the ", recipe.options.discriminator_steps,
                 " discriminator steps of ", o.recipe, ", got ", o.batch);
  const rival::Index classes =
      recipe.options.labels == rival::LabelSource::none ? 0 : std::max<long>(1, images.classes());
  rival::require(o.label < 0 || classes > 0,
                 "--label: expected a conditional recipe (cgan, acgan, projection or infogan), got ",
                 o.recipe.empty() ? "none" : o.recipe);
  rival::require(o.label < classes || classes == 0, "--label: expected a class from 0 to ", classes - 1, ", got ",
                 o.label);

  rival::AdversarialTrainer trainer(generator, recipe.discriminator, recipe.options);
  std::optional<rival::Generator<>> average;
  std::optional<rival::MovingAverage<>> moving;
  if (recipe.average) {
    average.emplace(generator);
    moving.emplace(average->state(), generator.state(), *recipe.average);
  }
  const rival::Generator<>& shown = average ? *average : generator;
  rival::Tensor<std::uint8_t> generated;
  if (o.samples > 0) generated.resize({o.samples, 28, 28});  // here, so that too little memory shows before training
  prepare_folder(o.out);

  // The same latent vectors throughout, so that the animation shows the same digits taking shape.
  rival::Random fixed = rival::Random(o.seed).stream("samples");
  const Latents latents = picture_latents(o, recipe, fixed, classes);
  rival::Animation animation;
  std::vector<rival::StepReport> steps;
  const auto progress = o.quiet ? nullptr : rival::progress_bar();
  const auto sample = [&] { return shown.sample(latents.vectors, latents.labels); };
  const auto frame = [&] { animation.add(rival::grid(sample(), {.columns = latents.columns})); };

  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  frame();
  trainer.fit(images, {.epochs = o.epochs, .steps = o.steps, .on_step = [&](const rival::StepReport& report) {
                         steps.push_back(report);
                         if (moving) moving->update();
                         const long every =
                             o.sample_every > 0 ? o.sample_every : std::max(1L, report.steps_in_all / 40);
                         if (report.steps_done % every == 0 && report.steps_done < report.steps_in_all) frame();
                         if (interrupted) trainer.stop();
                         if (progress) progress(report);
                       }});
  frame();

  for (long done = 0, count; done < o.samples; done += count) {
    count = std::min(o.samples - done, 1000L);
    rival::Tensor<float> vectors({count, generator.latent()});
    draw(recipe, fixed, vectors);
    std::vector<std::uint8_t> labels(classes > 0 ? static_cast<std::size_t>(count) : 0);
    for (std::size_t i = 0; i < labels.size(); ++i)
      labels[i] = static_cast<std::uint8_t>(o.label >= 0 ? o.label : (done + static_cast<long>(i)) % classes);
    const auto bytes = rival::to_bytes(shown.sample(vectors, labels));
    std::copy_n(bytes.data(), bytes.size(), generated.data() + done * 28 * 28);
  }
  const auto written =
      write_outputs(o.out, {describe(o, steps.back(), recipe), steps, animation, sample(), latents.columns, generated});
  if (!o.quiet) {
    if (interrupted) std::cout << "\ninterrupted after step " << steps.size() << '\n';
    for (const auto& path : written) std::cout << "wrote " << path.string() << '\n';
  }
  return interrupted ? 128 + interrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    return parse(argc, argv, options) ? run(options) : 0;
  } catch (const rival::Diverged& error) {
    if (rival::internal::is_terminal(stdout)) std::cout << std::endl;  // the bar stands without its end of line
    std::cerr << "mnist_gan: " << error.what() << '\n';
    return 1;
  } catch (const std::bad_alloc&) {
    std::cerr << "mnist_gan: expected --batch, --latent and --samples that fit into memory, got larger ones\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "mnist_gan: " << error.what() << '\n';
    return 2;
  }
}
