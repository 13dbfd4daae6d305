// Trains a GAN on clips. `--help` lists the options.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "clips.hpp"
#include "common/checkpoints.hpp"
#include "common/clip_files.hpp"
#include "common/losses.hpp"
#include "common/network_files.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/run_program.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
#include "common/time_budget.hpp"
#include "common/watch.hpp"
#include "options.hpp"
#include "rival/gan/recipes/clips.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/png.hpp"
#include "rival/nn/summary.hpp"

namespace {

using std::filesystem::path;

rival::Recipe<> make_recipe(const Options& o, const rival::Dataset& clips) {
  rival::require(o.batch <= clips.size(), "--batch: expected at most the ", clips.size(), " clips, got ", o.batch);
  const rival::ClipRecipeOptions options{
      .clip = clips.sample_shape(), .batch = o.batch, .seed = o.seed, .width = o.width};
  return o.recipe == "mocogan" ? rival::recipes::mocogan(options) : rival::recipes::frames_gan(options);
}

std::string as_text(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return "";
  const std::vector<std::string> names = figure_names();
  std::string text;
  for (const auto& row : rows) {
    text += row[0] + ":";
    for (std::size_t k = 1; k < row.size(); ++k) text += (k > 1 ? ", " : " ") + names[k] + " " + row[k];
    text += '\n';
  }
  return text;
}

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "motion_gan", o);
  const Clips clips = clips_of(o);
  std::vector<std::string> words;
  if (!resume) words.push_back(clips.description);
  rival::Recipe<> recipe = make_recipe(o, clips.data);
  if (!resume && o.given.count("--steps") > 0) o.minutes = 0;  // as long as they take
  if (o.steps == 0) words.push_back(choose_steps(o.steps, o.minutes, recipe, clips.data));
  std::optional<rival::Classifier<>> classifier;  // of what is seen in the frames
  if (o.data.empty()) classifier = rival::load_classifier(path(RIVAL_MNIST_DIR) / "classifier.safetensors");

  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  const auto samples_of = [&](const char* stream) {
    return Samples(trainer.averaged_generator(), recipe.options, rival::Random(o.seed).stream(stream), 0, -1);
  };
  const Samples samples = samples_of("samples");
  constexpr rival::Index rows = 10;  // of the sheet
  rival::Animation progress;
  Losses losses;
  Report report;
  Watch watch(trainer, clips.data, o.seed);
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();
  rival::require(!resume || trainer.state().data_set == clips.data.fingerprint(),
                 "--resume: expected the clips that the run was begun with, got others");

  Run run("motion_gan", o.out, o.quiet);
  run.limit(time_limit(o, o.minutes));
  for (const std::string& word : words) run.say(word);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    report.take(earlier);
    watch.take(earlier);
    progress.set_frames(earlier.bytes.at("frames"), clips.data.sample_shape()[3]);
  }
  std::vector<std::vector<std::string>> figures;  // at the end
  const auto pictures = [&](rival::Index scale) { return side_by_side(samples.fixed(), samples.columns(), scale); };
  run.output("samples.png", [&](const path& to) { rival::write_png(to, sheet(samples.fixed(), rows, 1)); });
  run.output("samples.gif", [&](const path& to) { animation_of(pictures(2)).save(to); });
  Run::Write write_as_webp;
  if (has_webp()) write_as_webp = [&](const path& to) { write_webp(to, pictures(2), 0.1); };
  run.output("samples.webp", write_as_webp);
  run.output("progress.gif", [&](const path& to) { progress.save(to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  run.output("generator.safetensors", [&](const path& to) {
    rival::save(trainer.averaged_generator(), rival::sampling_of(recipe.options), to);
  });
  run.output("summary.txt", [&](const path& to) {
    const auto& last = run.last();
    rival::replace_file(
        to, rival::internal::concatenate(clips.description, "recipe ", o.recipe, ", batch ", o.batch, ", seed ", o.seed,
                                         ", threads ", rival::threads(), "\n\nsteps ", last.steps_done, " of ",
                                         last.steps_in_all, run.state(), ", seconds ", last.seconds, ", clips/s ",
                                         last.images_per_second, "\n", as_text(figures), "\n",
                                         rival::summary(recipe.generator), '\n', rival::summary(recipe.discriminator)));
  });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin("motion_gan", run, losses.steps());
    page.frames("Clips", frames_of(pictures(1)), "frame");
    if (!figures.empty()) page.table("How good they are", figure_names(), figures);
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
    extras.bytes["frames"] = progress.frames();
    trainer.save(to, extras);
  });

  return run.train([&] {
    const auto show = [&](long step) {
      const rival::Image image = sheet(samples.fixed(), rows, 1);
      progress.add(image);
      report.frame(step, rival::encode_png(image));
    };
    if (!resume) show(0);
    const auto on_step = [&](const rival::StepReport& step) {
      losses.add(step);
      watch.step(step, run, report);
      const bool last = step.steps_done == step.steps_in_all;
      const long every = o.sample_every > 0 ? o.sample_every : std::max(1L, step.steps_in_all / 40);
      if (last || step.steps_done % every == 0) show(step.steps_done);
      if (!run.step(step)) trainer.stop();
    };
    const rival::Index per_epoch = clips.data.size() / o.batch;
    trainer.fit(clips.data,
                {.epochs = o.steps / per_epoch + 1, .steps = o.steps, .resume = resume, .on_step = on_step});
    if (!classifier || run.interrupted()) return;
    figures.push_back(figures_of("real", rival::motion_figures(first_clips(clips.data, o.judged), *classifier)));
    figures.push_back(figures_of(
        "generated", rival::motion_figures(
                         samples_of("judge").next(std::min<rival::Index>(o.judged, clips.data.size())), *classifier)));
    run.say(as_text(figures));
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("motion_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
