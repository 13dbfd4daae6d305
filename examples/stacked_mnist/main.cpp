// Trains a GAN on images of three digits and counts how many of the 1000 kinds it makes. `--help` lists the options.

#include <algorithm>
#include <numeric>

#include "common/data_file.hpp"
#include "common/gan_training.hpp"
#include "common/network_files.hpp"
#include "options.hpp"
#include "rival/image/png.hpp"
#include "rival/metrics/class_score.hpp"
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
  GanTraining training({.program = "stacked_mnist",
                        .options = o,
                        .settings = o,
                        .asked = o,
                        .checkpoints = checkpoints,
                        .data = data,
                        .source = o.data,
                        .recipe = recipe,
                        .heading = rival::internal::concatenate("three digits an image, batch ", o.batch)});
  Run& run = training.run;
  const Samples samples = training.samples("samples");
  const auto picture = [&](rival::Index scale) {
    return rival::grid(samples.fixed(), {.columns = samples.columns(), .scale = scale});
  };
  rival::Animation animation;
  training.keep(animation, 3);
  const auto show = [&](long step) {
    const rival::Image image = picture(1);
    animation.add(image);
    training.report.frame(step, rival::encode_png(image));
  };
  std::string counted;
  using std::filesystem::path;
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  training.output_losses_and_generator();
  training.output_summary_and_report([&] { return counted; });

  return training.train({.steps = o.steps,
                         .begin = [&] { show(0); },
                         .on_step =
                             [&](const rival::StepReport& step) {
                               const bool last = step.steps_done == step.steps_in_all;
                               if (last || step.steps_done % sample_interval(0, step) == 0) show(step.steps_done);
                               if (!last && (o.count_every == 0 || step.steps_done % o.count_every != 0)) return;
                               StackedCounter counter(classifier);
                               if (!training.draw(training.samples("count"), sample_count,
                                                  [&](const auto& piece) { counter.add(piece); }))
                                 return;
                               counted = told(counter.counts(law));
                               run.say(rival::internal::concatenate("step ", step.steps_done, ": ", counted));
                             },
                         .end =
                             [&] {
                               if (run.interrupted()) return;
                               // What as many real images come to.
                               const auto real = stack_digits(digits, sample_count, random.stream("floor"));
                               StackedCounter counter(classifier);
                               rival::Tensor<float> images;
                               for (rival::Index begin = 0; begin < sample_count && !run.interrupted(); begin += 1000) {
                                 std::vector<rival::Index> which(1000);
                                 std::iota(which.begin(), which.end(), begin);
                                 real.gather(which, images);
                                 counter.add(images);
                               }
                               if (run.interrupted()) return;
                               const std::string floor = "real images: " + told(counter.counts(law));
                               counted += '\n' + floor;
                               run.say(floor);
                             }});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("stacked_mnist", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
