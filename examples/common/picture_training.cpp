#include "common/picture_training.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

#include "common/evaluations.hpp"
#include "common/event_log.hpp"
#include "common/losses.hpp"
#include "common/network_files.hpp"
#include "common/picture_report.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/watch.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/image/gif.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"
#include "rival/nn/summary.hpp"

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

/// Draws images until `images` is full. A signal that ends the run ends this, too, but not before there are a thousand;
/// `images` has then fewer.
void draw_images(Samples& samples, rival::Tensor<std::uint8_t>& images, const Run& run) {
  const rival::Index count = images.dim(0), size = images.size() / count;
  rival::Index drawn = 0;
  do {
    const auto bytes = rival::to_bytes(samples.next(std::min<rival::Index>(count - drawn, 1000)));
    std::copy_n(bytes.data(), bytes.size(), images.data() + drawn * size);
    drawn += bytes.dim(0);
  } while (drawn < count && !run.interrupted());
  if (drawn == count) return;
  rival::Tensor<std::uint8_t> fewer(images.shape().sample().batch(drawn));
  std::copy_n(images.data(), fewer.size(), fewer.data());
  images = std::move(fewer);
}

/// The text of summary.txt; `evaluations` is a line in it, if not empty.
std::string describe(const std::string& heading, const PictureOptions& o, const Run& run, rival::Recipe<>& recipe,
                     const std::string& evaluations) {
  const rival::StepReport& last = run.last();
  rival::internal::TextStream text;
  text << heading << ", seed " << o.seed << ", threads " << rival::threads() << "\n\n"
       << "steps " << last.steps_done << " of " << last.steps_in_all << run.state() << ", epochs " << last.epoch
       << ", seconds " << last.seconds << ", images/s " << last.images_per_second << "\n"
       << "last step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", penalty " << last.penalty << ", auxiliary loss " << last.auxiliary_loss << ", mean score of real "
       << last.real_score << ", of generated " << last.fake_score << ", accuracy " << last.accuracy << "\n"
       << evaluations << (evaluations.empty() ? "\n" : "\n\n");
  if (o.best_of > 1)
    text << "samples.png and generated.npy: each the one of " << o.best_of
         << " that the discriminator scores highest\n\n";
  text << rival::summary(recipe.generator) << '\n' << rival::summary(recipe.discriminator);
  return text.str();
}

}  // namespace

rival::Index label_classes(const rival::Recipe<>& recipe, const rival::Dataset& images) {
  switch (recipe.options.labels) {
    case rival::LabelSource::data:
      return images.classes();
    case rival::LabelSource::drawn:
      return recipe.options.classes;
    default:
      return 0;
  }
}

int train_pictures(const PictureTraining& t) {
  const PictureOptions& o = t.options;
  const bool resume = o.checkpoints.resume;
  const rival::Dataset& images = t.images;
  rival::Recipe<>& recipe = t.recipe;
  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  const auto samples_of = [&](const char* stream) {
    return Samples(trainer.averaged_generator(), recipe.options, rival::Random(o.seed).stream(stream),
                   label_classes(recipe, images), o.label);
  };
  Samples samples = samples_of("samples");
  samples.choose_by(recipe.discriminator, std::max(o.best_of, 1L));
  rival::Animation animation;
  Evaluations evaluations(o.evaluate, images);
  Losses losses(evaluations.figures());
  Report report;
  Watch watch(trainer, images, o.seed);
  // Before hours of training.
  rival::Tensor<std::uint8_t> generated = room_for_images(o.samples, recipe.generator.output_shape());
  const rival::CheckpointExtras earlier = resume ? trainer.load(t.checkpoints.newest()) : rival::CheckpointExtras();
  rival::require(!resume || trainer.state().data_set == images.fingerprint(),
                 "--resume: expected the pictures that the run was begun with, got others in ", t.source);

  Run run(t.program, o.out, o.quiet);
  run.limit(t.seconds);
  for (const std::string& word : t.words) run.say(word);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    evaluations.take(earlier, trainer.averaged_generator());
    report.take(earlier);
    watch.take(earlier);
    animation.set_frames(earlier.bytes.at("frames"), images.sample_shape()[2]);
  }
  EventLog events(o.out / EventLog::folder, o.tensorboard, run);
  const auto show = [&](long step) {
    const rival::Image image = rival::grid(samples.fixed(), {.columns = samples.columns()});
    const auto png = rival::encode_png(image);
    animation.add(image);
    report.frame(step, png);
    events.show(step, image, png, {&recipe.generator, &recipe.discriminator});
  };
  using std::filesystem::path;
  run.output("samples.png", [&](const path& to) {
    rival::write_png(to, rival::grid(samples.best(), {.columns = samples.columns(), .scale = 2}));
  });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  const bool told = recipe.options.labels == rival::LabelSource::data;  // of the pictures' classes
  const rival::Sampling sampling =
      rival::sampling_of(recipe.options, told ? t.class_names : std::vector<std::string>());
  run.output("generator.safetensors", [&](const path& to) { rival::save(trainer.averaged_generator(), sampling, to); });
  run.output("discriminator.safetensors", [&](const path& to) { rival::save(recipe.discriminator, to); });
  Run::Write write_best;
  if (evaluations.wanted())
    write_best = [&](const path& to) {
      if (evaluations.best()) rival::save(*evaluations.best(), sampling, to);
    };
  run.output("best.safetensors", write_best);
  run.output("summary.txt", [&](const path& to) {
    rival::replace_file(to, describe(t.heading, o, run, recipe, evaluations.summary(run.last().seconds)));
  });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin(t.program, run, losses.steps());
    if (!run.running()) {
      add_walks(page, samples);
      add_nearest(page, samples, images);
    }
    add_evaluations(page, evaluations);
    add_classes(page, images, t.class_names);
    report.end(page, run, t.settings, recipe.generator, recipe.discriminator, t.unused);
    page.save(to);
  });
  run.output(EventLog::folder, events.write());
  Run::Write write_images;
  if (o.samples > 0)
    write_images = [&](const path& to) {
      draw_images(samples, generated, run);
      rival::write_npy(to, generated);
    };
  run.output("generated.npy", write_images, Run::When::at_end);

  run.checkpoints(t.checkpoints, [&](const path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, t.asked);
    run.put(extras);
    losses.put(extras);
    evaluations.put(extras);
    report.put(extras);
    watch.put(extras);
    extras.bytes["frames"] = animation.frames();
    trainer.save(to, extras);
  });

  return run.train([&] {
    if (!resume) show(0);
    const auto on_step = [&](const rival::StepReport& step) {
      losses.add(step);
      if (evaluations.step(step, trainer.averaged_generator(), [&] { return samples_of("evaluation"); })) {
        run.note(evaluations.last());
        if (evaluations.is_best()) run.refresh();
      }
      events.step(step);
      watch.step(step, run, report);
      const long every = o.sample_every > 0 ? o.sample_every : std::max(1L, step.steps_in_all / 40);
      if (step.steps_done % every == 0 && step.steps_done < step.steps_in_all) show(step.steps_done);
      if (!run.step(step)) trainer.stop();
    };
    trainer.fit(images, {.epochs = o.epochs, .steps = o.steps, .resume = resume, .on_step = on_step});
    show(run.last().steps_done);
  });
}
