// Trains a GAN on your own sounds. `--help` lists the options.

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/gan_training.hpp"
#include "common/sound_samples.hpp"
#include "common/time_budget.hpp"
#include "judge.hpp"
#include "options.hpp"
#include "rival/gan/recipes/wavegan.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/png.hpp"
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

/// What the judge says of 2,000 samples, as many of each class as of any other; none when a signal ended the run.
std::optional<std::string> judged(const Judge& judge, const GanTraining& training, const Spectrograms& spectrograms,
                                  rival::Index classes) {
  constexpr rival::Index count = 2000;
  const auto made = training.draw_all(training.samples("judge"), count);
  if (!made) return std::nullopt;
  std::vector<rival::Label> labels;
  for (rival::Index i = 0; classes > 0 && i < count; ++i) labels.push_back(static_cast<rival::Label>(i % classes));
  return judge.describe(judge(as_spectrograms(*made, spectrograms), labels));
}

/// Whether a file's name is one that `write_sounds` gives: "012.wav", "012-three.wav".
bool is_numbered_sound(const path& file) {
  const std::string name = file.filename().string();
  return name.size() >= 7 && name.ends_with(".wav") && (name[3] == '-' || name.size() == 7) &&
         std::all_of(name.begin(), name.begin() + 3, [](char c) { return c >= '0' && c <= '9'; });
}

/// A WAV file for each sound, named by its number and its class. What an earlier run with other classes left goes.
void write_sounds(const path& folder, const std::vector<rival::Sound>& sounds, rival::Index columns,
                  const std::vector<std::string>& class_names) {
  std::filesystem::create_directories(folder);
  std::set<path> earlier;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file() && is_numbered_sound(entry.path())) earlier.insert(entry.path());
  for (std::size_t i = 0; i < sounds.size(); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, "%03zu", i);
    const auto row = i / static_cast<std::size_t>(columns);
    const std::string of = row < class_names.size() ? "-" + class_names[row] : "";
    const path file = folder / (number + of + ".wav");
    rival::write_sound(file, sounds[i]);
    earlier.erase(file);
  }
  for (const path& file : earlier) std::filesystem::remove(file);
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
  if (const auto word = choose_steps(o, o.steps, o.minutes, recipe, sounds.data); !word.empty()) say(word);
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

  GanTraining training({.program = "sound_gan",
                        .options = o,
                        .settings = o,
                        .asked = o,
                        .checkpoints = checkpoints,
                        .data = sounds.data,
                        .kind = "sounds",
                        .source = o.data,
                        .recipe = recipe,
                        .class_names = class_names,
                        .heading = rival::internal::concatenate(
                            "sounds ", o.data.string(), ", ", sounds.data.size(), ", recipe ", o.recipe,
                            o.spectrograms ? " on spectrograms" : " on samples", ", batch ", o.batch),
                        .seconds = time_limit(o, o.minutes)});
  Run& run = training.run;
  const Samples samples = training.samples("samples");
  const auto picture = [&](rival::Index scale) {
    return spectrogram_sheet(as_spectrograms(samples.fixed(), spectrograms), samples.columns(), scale);
  };
  const auto heard = [&] { return as_sounds(samples.fixed(), o.rate, rival::Random(o.seed)); };
  std::string verdict;
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("samples", [&](const path& to) { write_sounds(to, heard(), samples.columns(), class_names); });
  run.output("samples.wav", [&](const path& to) { write_wav(to, heard()); });
  rival::Sampling sampling = training.sampling();
  sampling.rate = o.rate;
  training.output_losses_and_generator(sampling);
  training.output_summary_and_report(
      [&] { return verdict; },
      [&](rival::Page& page) {
        page.recordings("Sounds", recordings(heard(), static_cast<std::size_t>(samples.columns()), class_names));
        if (!verdict.empty()) page.table("How good they are", {}, {{"judge", verdict}});
      });

  const auto show = [&](long step) { training.report.frame(step, rival::encode_png(picture(1))); };
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
                               if (!judge || run.interrupted()) return;
                               const auto said = judged(*judge, training, spectrograms, classes);
                               if (!said) return;
                               verdict = *said;
                               run.say(verdict);
                             }});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("sound_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
