// Trains a GAN on handwritten digits and writes pictures of what it has learnt. `--help` lists the options.

#include <algorithm>

#include "common/losses.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
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
  Samples samples(trainer.averaged_generator(), recipe.options, rival::Random(o.seed).stream("samples"),
                  label_classes(recipe, images), o.label);
  const auto picture = [&](rival::Index scale) {
    return rival::grid(samples.fixed(), {.columns = samples.columns(), .scale = scale});
  };
  rival::Animation animation;
  Losses losses;
  rival::Tensor<std::uint8_t> generated = room_for_images(o.samples);  // before hours of training
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();

  Run run("mnist_gan", o.out, o.quiet);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    animation.set_frames(earlier.bytes.at("frames"), 1);
  }
  using std::filesystem::path;
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("progress.gif", [&](const path& to) { animation.save(to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  const rival::Sampling sampling = rival::sampling_of(recipe.options, class_names(recipe, pictures));
  run.output("generator.safetensors", [&](const path& to) { rival::save(trainer.averaged_generator(), sampling, to); });
  run.output("summary.txt", [&](const path& to) { rival::replace_file(to, describe(o, run, recipe)); });
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
    extras.bytes["frames"] = animation.frames();
    trainer.save(to, extras);
  });

  return run.train([&] {
    if (!resume) animation.add(picture(1));
    const auto on_step = [&](const rival::StepReport& report) {
      losses.add(report);
      const long every = o.sample_every > 0 ? o.sample_every : std::max(1L, report.steps_in_all / 40);
      if (report.steps_done % every == 0 && report.steps_done < report.steps_in_all) animation.add(picture(1));
      if (!run.step(report)) trainer.stop();
    };
    trainer.fit(images, {.epochs = o.epochs, .steps = o.steps, .resume = resume, .on_step = on_step});
    animation.add(picture(1));
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("mnist_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
