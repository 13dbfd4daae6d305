// Trains a GAN on your own sounds. `--help` lists the options.

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "common/losses.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
#include "common/time_budget.hpp"
#include "common/watch.hpp"
#include "judge.hpp"
#include "options.hpp"
#include "rival/gan/recipes/wavegan.hpp"
#include "rival/image/png.hpp"
#include "rival/io/sampler.hpp"
#include "rival/nn/summary.hpp"
#include "rival/sound/sound_file.hpp"
#include "sounds.hpp"

namespace {

using std::filesystem::path;

rival::Recipe<> make_recipe(const Options& o, const Sounds& sounds) {
  const rival::Index count = sounds.data.size();
  const rival::SoundRecipeOptions options{.sample = sounds.data.sample_shape(),
                                          .classes = o.unconditional ? 0 : sounds.data.classes(),
                                          .batch = o.batch,
                                          .seed = o.seed,
                                          .width = o.width};
  rival::Recipe<> recipe = o.recipe == "rpgan" ? rival::recipes::rp_wavegan(options) : rival::recipes::wavegan(options);
  const rival::Index steps = recipe.options.discriminator_steps;
  rival::require(count >= steps * o.batch, "--batch: expected at most ", count / steps, " for ", count,
                 " sounds and the ", steps, " discriminator steps of ", o.recipe, ", got ", o.batch);
  return recipe;
}

/// What the judge says of 2,000 samples, as many of each class as of any other.
std::string judged(const Judge& judge, Samples samples, const Spectrograms& spectrograms, rival::Index classes) {
  constexpr rival::Index count = 2000;
  std::vector<rival::Label> labels;
  for (rival::Index i = 0; classes > 0 && i < count; ++i) labels.push_back(static_cast<rival::Label>(i % classes));
  return judge.describe(judge(as_spectrograms(samples.next(count), spectrograms), labels));
}

/// A WAV file for each sound, named by its number and its class.
void write_sounds(const path& folder, const std::vector<rival::Sound>& sounds, rival::Index columns,
                  const std::vector<std::string>& class_names) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < sounds.size(); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, "%03zu", i);
    const auto row = i / static_cast<std::size_t>(columns);
    const std::string of = row < class_names.size() ? "-" + class_names[row] : "";
    rival::write_sound(folder / (number + of + ".wav"), sounds[i]);
  }
}

/// The first sounds of each row, to be played in the report.
std::vector<rival::Recording> recordings(const std::vector<rival::Sound>& sounds, std::size_t columns,
                                         const std::vector<std::string>& class_names) {
  std::vector<rival::Recording> all;
  for (std::size_t i = 0; i < sounds.size(); ++i)
    if (i % columns < 2 && i / columns < 20) {
      const std::size_t row = i / columns;
      all.push_back({rival::encode_sound(sounds[i], ".wav"),
                     row < class_names.size() ? class_names[row] : "no. " + std::to_string(i)});
    }
  return all;
}

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "sound_gan", o);
  const Spectrograms spectrograms(o.length, o.rate);
  const Sounds sounds = read_sounds(o.data, o, spectrograms);
  const auto say = [&](const std::string& text) {
    if (!o.quiet) std::cout << text << std::endl;
  };
  if (!resume) say(sounds.description);
  rival::Recipe<> recipe = make_recipe(o, sounds);
  const rival::Index classes =
      recipe.options.labels == rival::LabelSource::data ? sounds.data.classes() : rival::Index{0};
  const auto class_names = classes > 0 ? sounds.class_names : std::vector<std::string>();
  if (!resume && o.given.count("--steps") > 0) o.minutes = 0;  // as long as they take
  if (o.steps == 0) say(choose_steps(o.steps, o.minutes, recipe, sounds.data));
  std::optional<Judge> judge;
  if (!o.judge.empty()) {
    const Sounds held_out = read_sounds(o.judge, o, spectrograms);
    rival::require(!sounds.class_names.empty(), "--judge: expected sounds in sub-folders, as classes, in ", o.data);
    rival::require(held_out.class_names == sounds.class_names, "--judge: expected sub-folders of the same names in ",
                   o.judge, " as in ", o.data);
    say("training a classifier of the sounds first, to judge by");
    judge.emplace(spectrograms, sounds.sounds, held_out.sounds, o.seed);
    say(rival::internal::concatenate("judge: a classifier names ", 100 * judge->accuracy(), " % of the sounds in ",
                                     o.judge, ", whose inception score is ", judge->real_score()));
  }

  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  const auto samples_of = [&](const char* stream) {
    return Samples(trainer.averaged_generator(), recipe.options, rival::Random(o.seed).stream(stream), classes, -1);
  };
  const Samples samples = samples_of("samples");
  const auto picture = [&](rival::Index scale) {
    return sheet(as_spectrograms(samples.fixed(), spectrograms), samples.columns(), scale);
  };
  Losses losses;
  Report report;
  Watch watch(trainer, sounds.data, o.seed);
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();
  rival::require(!resume || trainer.state().data_set == sounds.data.fingerprint(),
                 "--resume: expected the sounds that the run was begun with, got others in ", o.data);

  Run run("sound_gan", o.out, o.quiet);
  run.limit(time_limit(o, o.minutes));
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    report.take(earlier);
    watch.take(earlier);
  }
  std::string verdict;
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("samples", [&](const path& to) {
    write_sounds(to, as_sounds(samples.fixed(), spectrograms, o), samples.columns(), class_names);
  });
  run.output("samples.wav", [&](const path& to) {
    rival::write_sound(to, rival::join(as_sounds(samples.fixed(), spectrograms, o), 0.1));
  });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  run.output("generator.safetensors", [&](const path& to) {
    rival::save(trainer.averaged_generator(), rival::sampling_of(recipe.options, class_names), to);
  });
  run.output("summary.txt", [&](const path& to) {
    const auto& last = run.last();
    rival::replace_file(
        to, rival::internal::concatenate(
                "sounds ", o.data.string(), ", ", sounds.data.size(), ", recipe ", o.recipe,
                o.spectrograms ? " on spectrograms" : " on samples", ", batch ", o.batch, ", seed ", o.seed, "\nsteps ",
                last.steps_done, " of ", last.steps_in_all, run.state(), ", threads ", rival::threads(), ", seconds ",
                last.seconds, ", sounds/s ", last.images_per_second, '\n', verdict, verdict.empty() ? "\n" : "\n\n",
                rival::summary(recipe.generator), '\n', rival::summary(recipe.discriminator)));
  });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin("sound_gan", run, losses.steps());
    page.recordings("Sounds", recordings(as_sounds(samples.fixed(), spectrograms, o),
                                         static_cast<std::size_t>(samples.columns()), class_names));
    if (!verdict.empty()) page.table("How good they are", {}, {{"judge", verdict}});
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
    trainer.save(to, extras);
  });

  return run.train([&] {
    const auto show = [&](long step) { report.frame(step, rival::encode_png(picture(1))); };
    if (!resume) show(0);
    const auto on_step = [&](const rival::StepReport& step) {
      losses.add(step);
      watch.step(step, run, report);
      const bool last = step.steps_done == step.steps_in_all;
      const long every = o.sample_every > 0 ? o.sample_every : std::max(1L, step.steps_in_all / 40);
      if (last || step.steps_done % every == 0) show(step.steps_done);
      if (!run.step(step)) trainer.stop();
    };
    const rival::Index per_epoch = sounds.data.size() / o.batch / recipe.options.discriminator_steps;
    trainer.fit(sounds.data,
                {.epochs = o.steps / per_epoch + 1, .steps = o.steps, .resume = resume, .on_step = on_step});
    if (!judge || run.interrupted()) return;
    verdict = judged(*judge, samples_of("judge"), spectrograms, classes);
    run.say(verdict);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("sound_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
