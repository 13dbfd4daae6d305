// Trains a GAN on points in the plane, whose modes can be counted, and draws what it has learnt. `--help` lists the
// options.

#include <chrono>
#include <cstdio>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>

#include "common/output_folder.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "recipes.hpp"
#include "rival/metrics/mode_counts.hpp"

namespace {

/// As PacGAN counts: so many samples.
constexpr rival::Index sample_count = 2500;

std::string describe(const Options& o, const rival::ModeCounts& counts, const rival::StepReport& last, Recipe& recipe) {
  std::ostringstream text;
  text.precision(4);
  text << "problem " << o.problem << ", recipe " << o.recipe << ", seed " << o.seed << ", steps " << last.steps_done
       << ", batch " << recipe.training.batch << ", threads " << rival::threads() << ", seconds " << last.seconds
       << "\n\n"
       << "modes covered: " << counts.covered() << " of " << counts.of_mode.size() << "\n"
       << "high quality: " << 100 * counts.quality() << " % of " << counts.samples << " samples\n"
       << "KL(generated || real): " << counts.kl() << "\n"
       << "samples of each mode:";
  for (const auto count : counts.of_mode) text << ' ' << count;
  text << "\n\n"
       << "last step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", penalty " << last.penalty << ", mean score of real " << last.real_score << ", of generated "
       << last.fake_score << "\n\n"
       << rival::summary(recipe.generator) << '\n'
       << rival::summary(recipe.discriminator);
  return text.str();
}

int run(const Options& o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  const auto real = o.problem == "ring" ? rival::GaussianMixture::ring() : rival::GaussianMixture::grid();
  // Both problems become one of the same size, so that one recipe serves both: the networks see points in units of the
  // data's standard deviation.
  const double unit = real.deviation();
  const rival::Random random(o.seed);
  Recipe recipe = recipes().at(o.recipe)(o.steps, random.stream("weights"));
  recipe.training.seed = o.seed;
  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.training);
  std::optional<rival::Generator<>> average;
  std::optional<rival::MovingAverage<>> moving;
  if (recipe.average) {
    average.emplace(recipe.generator);
    moving.emplace(average->state(), recipe.generator.state(), *recipe.average);
  }
  const rival::Generator<>& shown = average ? *average : recipe.generator;
  prepare_folder(o.out);

  // The same latent vectors throughout, so that the animation shows the same points finding their places.
  rival::Tensor<float> latents({sample_count, recipe.generator.latent()});
  rival::Random fixed = random.stream("samples");
  fixed.fill_normal(latents);
  const auto samples = [&] {
    auto points = shown.sample(latents);
    points.array() *= static_cast<float>(unit);
    return points;
  };
  rival::Animation animation({.delay = 0.1, .last_delay = 3});
  const auto frame = [&] { animation.add(picture(samples(), real, recipe.discriminator, unit, 320)); };
  const auto progress = o.quiet ? nullptr : rival::progress_bar();

  rival::Random data = random.stream("data");
  rival::Tensor<float> points({recipe.training.batch, 2});
  const auto start = std::chrono::steady_clock::now();
  const long every = std::max(1L, recipe.steps / 60);
  rival::StepReport report;
  frame();
  for (long step = 1; step <= recipe.steps; ++step) {
    real.sample(points, data);
    points.array() /= static_cast<float>(unit);
    report = trainer.step(points);
    if (moving) moving->update();
    report.epoch = report.epochs = 1;
    report.steps_done = step;
    report.steps_in_all = recipe.steps;
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report.images_per_second = static_cast<double>(step * recipe.training.batch) / report.seconds;
    if (step % every == 0 || step == recipe.steps) frame();
    if (progress) progress(report);
  }

  const auto made = samples();
  const auto counts = rival::count_modes(made, real);
  const auto written = write_outputs(o.out, {describe(o, counts, report, recipe), made,
                                             picture(made, real, recipe.discriminator, unit, 640), animation});
  if (!o.quiet) {
    std::cout << counts.covered() << " of " << real.modes() << " modes, " << 100 * counts.quality()
              << " % of high quality, KL " << counts.kl() << '\n';
    for (const auto& path : written) std::cout << "wrote " << path.string() << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    return parse(argc, argv, options) ? run(options) : 0;
  } catch (const rival::Diverged& error) {
    if (rival::internal::is_terminal(stdout)) std::cout << std::endl;  // the bar stands without its end of line
    std::cerr << "toy_2d: " << error.what() << '\n';
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "toy_2d: " << error.what() << '\n';
    return 2;
  }
}
