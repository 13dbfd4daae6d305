// Trains a GAN on handwritten digits and writes pictures of what it has learnt. `--help` lists the options.

#include <algorithm>
#include <set>
#include <string_view>

#include "common/evaluations.hpp"
#include "common/event_log.hpp"
#include "common/losses.hpp"
#include "common/picture_report.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
#include "common/watch.hpp"
#include "data.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "recipe.hpp"
#include "rival/image/gif.hpp"
#include "rival/image/png.hpp"
#include "rival/io/npy.hpp"
#include "rival/io/sampler.hpp"
#include "rival/rival.hpp"

namespace {

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "mnist_gan", o);
  Options asked = o;
  const rival::LabelledImages pictures = read_data(o);
  const rival::Dataset& images = pictures.data;
  rival::Recipe<> recipe = make_recipe(o, pictures);
  asked.epochs = o.epochs, asked.batch = o.batch;
  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  const auto samples_of = [&](const char* stream) {
    return Samples(trainer.averaged_generator(), recipe.options, rival::Random(o.seed).stream(stream),
                   label_classes(recipe, images), o.label);
  };
  Samples samples = samples_of("samples");
  const auto picture = [&](rival::Index scale) {
    return rival::grid(samples.fixed(), {.columns = samples.columns(), .scale = scale});
  };
  rival::Animation animation;
  Evaluations evaluations(evaluation_of(o), images);
  Losses losses(evaluations.figures());
  Report report;
  Watch watch(trainer, images, o.seed);
  rival::Tensor<std::uint8_t> generated = room_for_images(o.samples);  // before hours of training
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();
  rival::require(!resume || trainer.state().data_set == images.fingerprint(),
                 "--resume: expected the pictures that the run was begun with, got others in ",
                 o.images.empty() ? o.data : o.images);

  Run run("mnist_gan", o.out, o.quiet);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    evaluations.take(earlier, trainer.averaged_generator());
    report.take(earlier);
    watch.take(earlier);
    animation.set_frames(earlier.bytes.at("frames"), 1);
  }
  EventLog events(o.out / EventLog::folder, o.tensorboard, run);
  const auto show = [&](long step) {
    const rival::Image image = picture(1);
    const auto png = rival::encode_png(image);
    animation.add(image);
    report.frame(step, png);
    events.show(step, image, png, {&recipe.generator, &recipe.discriminator});
  };
  using std::filesystem::path;
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  const rival::Sampling sampling = rival::sampling_of(recipe.options, class_names(recipe, pictures));
  run.output("generator.safetensors", [&](const path& to) { rival::save(trainer.averaged_generator(), sampling, to); });
  Run::Write write_best;
  if (evaluations.wanted())
    write_best = [&](const path& to) {
      if (evaluations.best()) rival::save(*evaluations.best(), sampling, to);
    };
  run.output("best.safetensors", write_best);
  run.output("summary.txt", [&](const path& to) {
    rival::replace_file(to, describe(o, run, recipe, evaluations.summary(run.last().seconds)));
  });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin("mnist_gan", run, losses.steps());
    if (!run.running()) {
      add_walks(page, samples);
      add_nearest(page, samples, images);
    }
    add_evaluations(page, evaluations);
    add_classes(page, images, class_names(recipe, pictures));
    // A recipe has its own.
    std::set<std::string_view> unused;
    if (!o.recipe.empty()) unused = {"--latent", "--learning-rate", "--beta1"};
    report.end(page, run, o, recipe.generator, recipe.discriminator, unused);
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

  run.checkpoints(checkpoints, [&](const path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, asked);
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
        run.refresh();  // there may be a better generator
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

}  // namespace

int main(int argc, char** argv) {
  return run_program("mnist_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
