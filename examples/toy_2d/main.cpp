// Trains a GAN on points in the plane, whose modes can be counted, and draws what it has learnt. `--help` lists the
// options.

#include <algorithm>
#include <chrono>
#include <vector>

#include "common/event_log.hpp"
#include "common/losses.hpp"
#include "common/network_files.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/settings.hpp"
#include "common/watch.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "recipes.hpp"
#include "rival/core/file.hpp"
#include "rival/image/gif.hpp"
#include "rival/image/png.hpp"
#include "rival/metrics/mode_counts.hpp"

namespace {

/// As PacGAN counts: so many samples.
constexpr rival::Index sample_count = 2500;

std::string describe(const Options& o, const rival::ModeCounts& counts, const Run& run, ToyRecipe& recipe) {
  const rival::StepReport& last = run.last();
  rival::internal::TextStream text;
  text.precision(4);
  text << "problem " << o.problem << ", recipe " << o.recipe << ", seed " << o.seed << ", steps " << last.steps_done
       << run.state() << ", batch " << recipe.training.batch << ", threads " << rival::threads() << ", seconds "
       << last.seconds << "\n\n"
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

/// Points as the networks see them, for a look at the training's health.
rival::Dataset some_points(const rival::GaussianMixture& real, double unit, rival::Random random) {
  rival::Tensor<float> points({sample_count, 2});
  real.sample(points, random);
  points.array() /= static_cast<float>(unit);
  return {{2}, std::vector<float>(points.data(), points.data() + points.size())};
}

std::string in_short(const rival::ModeCounts& counts) {
  return rival::internal::concatenate(counts.covered(), " of ", counts.of_mode.size(), " modes, ",
                                      100 * counts.quality(), " % of high quality, KL ", counts.kl());
}

void add_modes(rival::Page& page, const rival::ModeCounts& counts) {
  std::vector<rival::Bar> bars;
  for (const auto count : counts.of_mode)
    bars.push_back({rival::internal::concatenate("mode ", bars.size()), static_cast<double>(count)});
  page.bars("Samples of each mode", bars, in_short(counts));
}

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "toy_2d", o);
  const auto real = o.problem == "ring" ? rival::GaussianMixture::ring() : rival::GaussianMixture::grid();
  // Both problems become one of the same size, so that one recipe serves both: the networks see points in units of the
  // data's standard deviation.
  const double unit = real.deviation();
  const rival::Random random(o.seed);
  ToyRecipe recipe = recipes().at(o.recipe)(o.steps, random.stream("weights"));
  recipe.training.seed = o.seed;
  o.steps = recipe.steps;
  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.training);

  // The same latent vectors throughout, so that the animation shows the same points finding their places.
  rival::Tensor<float> latents({sample_count, recipe.generator.latent()});
  rival::Random fixed = random.stream("samples");
  fixed.fill_normal(latents);
  const auto samples = [&] {
    auto points = trainer.averaged_generator().sample(latents);
    points.array() *= static_cast<float>(unit);
    return points;
  };
  const auto draw = [&](rival::Index size) { return picture(samples(), real, recipe.discriminator, unit, size); };
  const auto count = [&] { return rival::count_modes(samples(), real); };
  rival::Animation animation({.delay = 0.1, .last_delay = 3});
  Losses losses;
  Report report;
  const rival::Dataset points_to_compare = some_points(real, unit, random.stream("health"));
  Watch watch(trainer, points_to_compare, o.seed);

  rival::Random data = random.stream("data");
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();

  Run run("toy_2d", o.out, o.quiet);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    report.take(earlier);
    watch.take(earlier);
    data = take_stream(earlier, "data");
    animation.set_frames(earlier.bytes.at("frames"), 3);
  }
  EventLog events(o.out / EventLog::folder, o.tensorboard, run);
  const auto show = [&](long step) {
    const rival::Image image = draw(320);
    const auto png = rival::encode_png(image);
    animation.add(image);
    report.frame(step, png);
    events.show(step, image, png, {&recipe.generator, &recipe.discriminator});
  };
  using std::filesystem::path;
  run.output("samples.csv", [&](const path& to) { rival::replace_file(to, samples_csv(samples())); });
  run.output("samples.png", [&](const path& to) { rival::write_png(to, draw(640)); });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin("toy_2d", run, losses.steps());
    add_modes(page, count());
    report.end(page, run, o, recipe.generator, recipe.discriminator);
    page.save(to);
  });
  run.output(EventLog::folder, events.write());
  run.output("generator.safetensors", [&](const path& to) {
    rival::save(in_the_plane(trainer.averaged_generator(), unit), rival::sampling_of(recipe.training), to);
  });
  run.output("summary.txt", [&](const path& to) { rival::replace_file(to, describe(o, count(), run, recipe)); });

  run.checkpoints(checkpoints, [&](const path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, o);
    run.put(extras);
    losses.put(extras);
    report.put(extras);
    watch.put(extras);
    put_stream(extras, "data", data);
    extras.bytes["frames"] = animation.frames();
    trainer.save(to, extras);
  });

  return run.train([&] {
    rival::Tensor<float> points({recipe.training.batch, 2});
    const auto start = std::chrono::steady_clock::now();
    const long every = std::max(1L, recipe.steps / 60);
    if (!resume) show(0);
    const long before = run.last().steps_done;
    for (long step = before + 1; step <= recipe.steps; ++step) {
      real.sample(points, data);
      points.array() /= static_cast<float>(unit);
      rival::StepReport now = trainer.step(points);
      now.epoch = now.epochs = 1;
      now.steps_done = step;
      now.steps_in_all = recipe.steps;
      now.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      now.images_per_second = static_cast<double>((step - before) * recipe.training.batch) / now.seconds;
      losses.add(now);
      events.step(now);
      watch.step(now, run, report);
      if (step % every == 0 || step == recipe.steps) show(step);
      if (!run.step(now)) break;
    }
    const auto counts = count();
    run.say(in_short(counts));
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("toy_2d", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
