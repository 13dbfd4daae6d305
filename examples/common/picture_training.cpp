#include "common/picture_training.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

#include "common/evaluations.hpp"
#include "common/event_log.hpp"
#include "common/gan_training.hpp"
#include "common/network_files.hpp"
#include "common/picture_report.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"

namespace {

/// Memory for so many images: {N, H, W}, in colour {N, H, W, C}. Throws rival::Error when there is too little of it.
rival::Tensor<std::uint8_t> room_for_images(rival::Index count, const rival::Shape& sample) {
  try {
    rival::Tensor<std::uint8_t> images;
    if (count > 0) images.resize(sample[2] == 1 ? rival::Shape{count, sample[0], sample[1]} : sample.batch(count));
    return images;
  } catch (const std::exception&) {
    rival::fail("--samples: expected so many that their pixels fit into memory, got ", count);
  }
}

/// Draws images until `images` is full; a signal that ends the run leaves fewer in it.
void draw_images(const GanTraining& training, const Samples& samples, rival::Tensor<std::uint8_t>& images) {
  const rival::Index count = images.dim(0), size = images.size() / count;
  rival::Index drawn = 0;
  const bool all = training.draw(samples, count, [&](const rival::Tensor<float>& piece) {
    const auto bytes = rival::to_bytes(piece);
    std::copy_n(bytes.data(), bytes.size(), images.data() + drawn * size);
    drawn += bytes.dim(0);
  });
  if (all) return;
  rival::Tensor<std::uint8_t> fewer(images.shape().sample().batch(drawn));
  std::copy_n(images.data(), fewer.size(), fewer.data());
  images = std::move(fewer);
}

/// Lines of summary.txt.
std::string results(const PictureOptions& o, const Evaluations& evaluations, const Run& run) {
  const std::string evaluated = evaluations.summary(run.last().seconds);
  if (o.best_of <= 1) return evaluated;
  return rival::internal::concatenate(evaluated, evaluated.empty() ? "\n" : "\n\n",
                                      "samples.png and generated.npy: each the one of ", o.best_of,
                                      " that the discriminator scores highest");
}

}  // namespace

int train_pictures(const PictureTraining& t) {
  const PictureOptions& o = t.options;
  const rival::Dataset& images = t.images;
  rival::Recipe<>& recipe = t.recipe;
  Evaluations evaluations(o.evaluate, images);
  // Before hours of training.
  rival::Tensor<std::uint8_t> generated = room_for_images(o.samples, recipe.generator.output_shape());
  GanTraining training({.program = t.program,
                        .options = o,
                        .settings = t.settings,
                        .asked = t.asked,
                        .checkpoints = t.checkpoints,
                        .data = images,
                        .source = t.source,
                        .recipe = recipe,
                        .class_names = t.class_names,
                        .label = t.label,
                        .heading = t.heading,
                        .words = t.words,
                        .unused = t.unused,
                        .seconds = t.seconds,
                        .figures = evaluations.figures()});
  Run& run = training.run;
  Samples samples = training.samples("samples");
  samples.choose_by(recipe.discriminator, std::max(o.best_of, 1L));
  training.keep([&](auto& extras) { evaluations.put(extras); },
                [&](const auto& extras) { evaluations.take(extras, training.trainer.averaged_generator()); });
  rival::Animation animation;
  training.keep(animation, images.sample_shape()[2]);
  EventLog events(o.out / EventLog::folder, o.tensorboard, run);
  const auto show = [&](long step) {
    const rival::Image image = rival::grid(samples.fixed(), {.columns = samples.columns()});
    const auto png = rival::encode_png(image);
    animation.add(image);
    training.report.frame(step, png);
    events.show(step, image, png, {&recipe.generator, &recipe.discriminator});
  };
  using std::filesystem::path;
  run.output("samples.png", [&](const path& to) {
    rival::write_png(to, rival::grid(samples.best(), {.columns = samples.columns(), .scale = 2}));
  });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  training.output_losses_and_generator();
  run.output("discriminator.safetensors", [&](const path& to) { rival::save(recipe.discriminator, to); });
  Run::Write write_best;
  if (evaluations.wanted())
    write_best = [&](const path& to) {
      if (evaluations.best()) rival::save(*evaluations.best(), training.sampling(), to);
    };
  run.output("best.safetensors", write_best);
  training.output_summary_and_report([&] { return results(o, evaluations, run); },
                                     [&](rival::Page& page) {
                                       if (!run.running()) {
                                         add_walks(page, samples);
                                         add_nearest(page, samples, images);
                                       }
                                       add_evaluations(page, evaluations);
                                       add_classes(page, images, t.class_names);
                                     });
  run.output(EventLog::folder, events.write());
  Run::Write write_images;
  if (o.samples > 0)
    write_images = [&](const path& to) {
      draw_images(training, samples, generated);
      rival::write_npy(to, generated);
    };
  run.output("generated.npy", write_images, Run::When::at_end);

  return training.train({.epochs = o.epochs,
                         .steps = o.steps,
                         .begin = [&] { show(0); },
                         .on_step =
                             [&](const rival::StepReport& step) {
                               if (evaluations.step(step, training.trainer.averaged_generator(),
                                                    [&] { return training.samples("evaluation"); })) {
                                 run.note(evaluations.last());
                                 if (evaluations.is_best()) run.refresh();
                               }
                               events.step(step);
                               if (step.steps_done % sample_interval(o.sample_every, step) == 0 &&
                                   step.steps_done < step.steps_in_all)
                                 show(step.steps_done);
                             },
                         .end = [&] { show(run.last().steps_done); }});
}
