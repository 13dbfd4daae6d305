// Trains a GAN on images of three digits and counts how many of the 1000 kinds it makes. `--help` lists the options.

#include <algorithm>
#include <numeric>

#include "common/data_file.hpp"
#include "common/losses.hpp"
#include "common/network_files.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
#include "common/watch.hpp"
#include "options.hpp"
#include "rival/image/gif.hpp"
#include "rival/image/png.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/nn/summary.hpp"
#include "stacked.hpp"

namespace {

/// As PacGAN counts: so many samples.
constexpr rival::Index sample_count = 26'000;

std::string told(const StackedCounts& counts) {
  return rival::internal::concatenate(counts.modes, " of ", stacked_kinds, " modes, KL ", counts.kl, " of ",
                                      counts.samples, " samples");
}

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "stacked_mnist", o);
  const rival::Random random(o.seed);
  const auto classifier = rival::load_classifier(
      o.classifier.empty() ? std::filesystem::path(RIVAL_MNIST_DIR) / "classifier.safetensors" : o.classifier);
  rival::require(classifier.input_shape() == rival::Shape{28, 28, 1} && classifier.classes() <= 10,
                 "--classifier: expected one of 28x28x1 digits with at most ten classes, got one of ",
                 classifier.input_shape(), " with ", classifier.classes());
  MnistFolder folder(o.data);
  const rival::Dataset digits = folder.train();
  const rival::Dataset data = stack_digits(digits, o.images, random.stream("stack"));
  const auto law = rival::class_counts(data.labels(), stacked_kinds);
  rival::Recipe<> recipe = stacked_recipe(o.width, o.batch, o.seed);
  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  const auto samples_of = [&](const char* stream) {
    return Samples(trainer.averaged_generator(), recipe.options, random.stream(stream), 0, -1);
  };
  const Samples samples = samples_of("samples");
  const auto picture = [&](rival::Index scale) {
    return rival::grid(samples.fixed(), {.columns = samples.columns(), .scale = scale});
  };
  const auto count = [&] { return count_stacked(classifier, samples_of("count").next(sample_count), law); };
  rival::Animation animation;
  Losses losses;
  Report report;
  Watch watch(trainer, data, o.seed);
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();

  Run run("stacked_mnist", o.out, o.quiet);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    report.take(earlier);
    watch.take(earlier);
    animation.set_frames(earlier.bytes.at("frames"), 3);
  }
  const auto show = [&](long step) {
    const rival::Image image = picture(1);
    animation.add(image);
    report.frame(step, rival::encode_png(image));
  };
  std::string counted;
  using std::filesystem::path;
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("generator.safetensors", [&](const path& to) {
    rival::save(trainer.averaged_generator(), rival::sampling_of(recipe.options), to);
  });
  run.output("summary.txt", [&](const path& to) {
    const auto& last = run.last();
    rival::replace_file(to, rival::internal::concatenate(
                                "seed ", o.seed, ", steps ", last.steps_done, " of ", o.steps, run.state(), ", batch ",
                                o.batch, ", threads ", rival::threads(), ", seconds ", last.seconds, "\n", counted,
                                "\n\n", rival::summary(recipe.generator), '\n', rival::summary(recipe.discriminator)));
  });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin("stacked_mnist", run, losses.steps());
    report.end(page, run, o, recipe.generator, recipe.discriminator);
    page.save(to);
  });
  run.checkpoints(checkpoints, [&](const path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, o);
    run.put(extras);
    losses.put(extras);
    report.put(extras);
    watch.put(extras);
    extras.bytes["frames"] = animation.frames();
    trainer.save(to, extras);
  });

  return run.train([&] {
    if (!resume) show(0);
    const auto on_step = [&](const rival::StepReport& step) {
      losses.add(step);
      watch.step(step, run, report);
      const bool last = step.steps_done == step.steps_in_all;
      if (last || step.steps_done % std::max(1L, step.steps_in_all / 40) == 0) show(step.steps_done);
      if (last || (o.count_every > 0 && step.steps_done % o.count_every == 0)) {
        counted = told(count());
        run.say(rival::internal::concatenate("step ", step.steps_done, ": ", counted));
      }
      if (!run.step(step)) trainer.stop();
    };
    const rival::Index epochs = o.steps / (o.images / o.batch) + 1;
    trainer.fit(data, {.epochs = epochs, .steps = o.steps, .resume = resume, .on_step = on_step});
    if (run.interrupted()) return;
    // What as many real images come to.
    const auto real = stack_digits(digits, sample_count, random.stream("floor"));
    std::vector<rival::Index> all(static_cast<std::size_t>(sample_count));
    std::iota(all.begin(), all.end(), 0);
    rival::Tensor<float> images;
    real.gather(all, images);
    const std::string floor = "real images: " + told(count_stacked(classifier, images, law));
    counted += '\n' + floor;
    run.say(floor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("stacked_mnist", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
