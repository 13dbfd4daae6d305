// Trains a GAN on clips. `--help` lists the options.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "clips.hpp"
#include "common/clip_files.hpp"
#include "common/clip_pictures.hpp"
#include "common/gan_training.hpp"
#include "common/network_files.hpp"
#include "common/time_budget.hpp"
#include "options.hpp"
#include "rival/gan/recipes/clips.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/png.hpp"

namespace {

using std::filesystem::path;

rival::Recipe<> make_recipe(const Options& o, const rival::Dataset& clips) {
  rival::require(o.batch <= clips.size(), "--batch: expected at most the ", clips.size(), " clips, got ", o.batch);
  const rival::ClipRecipeOptions options{
      .clip = clips.sample_shape(), .batch = o.batch, .seed = o.seed, .width = o.width};
  if (o.recipe == "moving") return rival::recipes::moving_gan(options);
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
  if (const auto word = choose_steps(o, o.steps, o.minutes, recipe, clips.data); !word.empty()) words.push_back(word);
  std::optional<rival::Classifier<>> classifier;  // of what is seen in the frames
  if (o.data.empty()) classifier = rival::load_classifier(path(RIVAL_MNIST_DIR) / "classifier.safetensors");

  std::string heading = clips.description;
  if (heading.ends_with('\n')) heading.pop_back();
  GanTraining training({.program = "motion_gan",
                        .options = o,
                        .settings = o,
                        .asked = o,
                        .checkpoints = checkpoints,
                        .data = clips.data,
                        .kind = "clips",
                        .source = o.data,
                        .recipe = recipe,
                        .heading = rival::internal::concatenate(heading, "\nrecipe ", o.recipe, ", batch ", o.batch),
                        .words = words,
                        .seconds = time_limit(o, o.minutes)});
  Run& run = training.run;
  const Samples samples = training.samples("samples");
  constexpr rival::Index rows = 10;  // of the sheet
  rival::Animation progress;
  training.keep(progress, clips.data.sample_shape()[3]);
  std::vector<std::vector<std::string>> figures;  // at the end
  const auto pictures = [&](rival::Index scale) { return side_by_side(samples.fixed(), samples.columns(), scale); };
  run.output("samples.png", [&](const path& to) { rival::write_png(to, clip_sheet(samples.fixed(), rows, 1)); });
  run.output("samples.gif", [&](const path& to) { animation_of(pictures(2)).save(to); });
  Run::Write write_as_webp;
  if (has_webp()) write_as_webp = [&](const path& to) { write_webp(to, pictures(2), 0.1); };
  run.output("samples.webp", write_as_webp);
  run.output("progress.gif", [&](const path& to) { progress.save(to); });
  training.output_losses_and_generator();
  training.output_summary_and_report([&] { return as_text(figures); },
                                     [&](rival::Page& page) {
                                       page.frames("Clips", frames_of(pictures(1)), "frame");
                                       if (!figures.empty()) page.table("How good they are", figure_names(), figures);
                                     });

  const auto show = [&](long step) {
    const rival::Image image = clip_sheet(samples.fixed(), rows, 1);
    progress.add(image);
    training.report.frame(step, rival::encode_png(image));
  };
  return training.train({.steps = o.steps,
                         .begin = [&] { show(0); },
                         .on_step =
                             [&](const rival::StepReport& step) {
                               const bool last = step.steps_done == step.steps_in_all;
                               if (last || step.steps_done % sample_interval(o.sample_every, step) == 0)
                                 show(step.steps_done);
                             },
                         .end =
                             [&] {
                               if (!classifier || run.interrupted()) return;
                               const auto made = training.draw_all(training.samples("judge"),
                                                                   std::min<rival::Index>(o.judged, clips.data.size()));
                               if (!made) return;
                               figures.push_back(figures_of(
                                   "real", rival::motion_figures(first_clips(clips.data, o.judged), *classifier)));
                               figures.push_back(figures_of("generated", rival::motion_figures(*made, *classifier)));
                               run.say(as_text(figures));
                             }});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("motion_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
