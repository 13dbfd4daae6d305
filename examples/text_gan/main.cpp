// Trains a GAN on the lines of a text. `--help` lists the options.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/losses.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
#include "common/time_budget.hpp"
#include "common/watch.hpp"
#include "lines.hpp"
#include "options.hpp"
#include "recipe.hpp"
#include "rival/io/sampler.hpp"
#include "rival/nn/summary.hpp"
#include "scores.hpp"

namespace {

/// The first lines of the samples as the training goes on, a row a step.
class Course {
 public:
  void add(long step, const std::vector<std::string>& lines) {
    std::string row;
    for (std::size_t i = 0; i < std::min<std::size_t>(lines.size(), 8); ++i) row += (i > 0 ? " | " : "") + lines[i];
    rows_ += std::to_string(step) + '\t' + row + '\n';
  }
  const std::string& text() const { return rows_; }
  void add_to(rival::Page& page) const {
    std::vector<std::vector<std::string>> rows;
    for (std::size_t from = 0; from < rows_.size();) {
      const std::size_t tab = rows_.find('\t', from), end = rows_.find('\n', from);
      rows.push_back({rows_.substr(from, tab - from), rows_.substr(tab + 1, end - tab - 1)});
      from = end + 1;
    }
    page.table("Lines of the same latent vectors, over the training", {"step", "lines"}, rows);
  }
  void put(rival::CheckpointExtras& extras) const { extras.texts["course"] = rows_; }
  void take(const rival::CheckpointExtras& extras) { rows_ = extras.texts.at("course"); }

 private:
  std::string rows_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

/// The text of summary.txt.
std::string describe(const Options& o, const Lines& lines, const Run& run, const Scores& scores,
                     rival::Recipe<>& recipe) {
  const rival::StepReport& last = run.last();
  rival::internal::TextStream text;
  text << "text " << o.data.string() << ", " << lines.training.size() << " lines and " << lines.held_out.size()
       << " held out, recipe " << o.recipe << ", batch " << o.batch << ", seed " << o.seed << ", threads "
       << rival::threads() << "\n\nsteps " << last.steps_done << " of " << last.steps_in_all << run.state()
       << ", epochs " << last.epoch << ", seconds " << last.seconds << ", lines/s " << last.images_per_second
       << "\nlast step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", penalty " << last.penalty << ", mean score of real " << last.real_score << ", of generated "
       << last.fake_score << ", accuracy " << last.accuracy << "\n\n"
       << scores.table() << '\n'
       << rival::summary(recipe.generator) << '\n'
       << rival::summary(recipe.discriminator);
  return text.str();
}

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "text_gan", o);
  const Lines lines = read_lines(o);
  const rival::Dataset& data = lines.training;
  const rival::Alphabet& alphabet = lines.text.alphabet;
  rival::Recipe<> recipe = make_recipe(o, lines);
  std::vector<std::string> words;
  if (!resume) words.push_back(lines.text.describe());
  if (!resume && o.given.count("--steps") > 0) o.minutes = 0;  // as long as they take
  if (o.steps == 0) words.push_back(choose_steps(o.steps, o.minutes, recipe, data));
  if (o.evaluate_every == 0) o.evaluate_every = std::max(1L, o.steps / 20);

  rival::AdversarialTrainer trainer(recipe.generator, recipe.discriminator, recipe.options);
  const auto samples_of = [&](const char* stream) {
    return Samples(trainer.averaged_generator(), recipe.options, rival::Random(o.seed).stream(stream), data.classes(),
                   o.label);
  };
  const Samples samples = samples_of("samples");
  Scores scores(data, lines.held_out, rival::Random(o.seed).stream("markov chains"));
  Losses losses(scores.figures());
  Report report;
  Course course;
  Watch watch(trainer, data, o.seed);
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();
  rival::require(!resume || trainer.state().data_set == data.fingerprint(),
                 "--resume: expected the text that the run was begun with, got another in ", o.data);

  Run run("text_gan", o.out, o.quiet);
  run.limit(time_limit(o, o.minutes));
  for (const std::string& word : words) run.say(word);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    scores.take(earlier);
    report.take(earlier);
    course.take(earlier);
    watch.take(earlier);
  }
  using std::filesystem::path;
  const auto current = [&] { return texts_of(samples.fixed(), alphabet); };
  run.output("samples.txt", [&](const path& to) { rival::replace_file(to, joined(current())); });
  run.output("progress.txt", [&](const path& to) { rival::replace_file(to, course.text()); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  rival::Sampling sampling = rival::sampling_of(recipe.options, lines.text.class_names);
  sampling.alphabet = alphabet.characters();
  run.output("generator.safetensors", [&](const path& to) { rival::save(trainer.averaged_generator(), sampling, to); });
  run.output("summary.txt", [&](const path& to) { rival::replace_file(to, describe(o, lines, run, scores, recipe)); });
  run.output("report.html", [&](const path& to) {
    rival::Page page = report.begin("text_gan", run, losses.steps());
    course.add_to(page);
    scores.add_to(page);
    report.end(page, run, o, recipe.generator, recipe.discriminator);
    page.save(to);
  });
  Run::Write write_samples;
  if (o.samples > 0)
    write_samples = [&](const path& to) {
      rival::replace_file(to, joined(texts_of(samples_of("generated").next(o.samples), alphabet)));
    };
  run.output("generated.txt", write_samples, Run::When::at_end);

  run.checkpoints(checkpoints, [&](const path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, o);
    run.put(extras);
    losses.put(extras);
    scores.put(extras);
    report.put(extras);
    course.put(extras);
    watch.put(extras);
    trainer.save(to, extras);
  });

  const rival::Index per_epoch = data.size() / o.batch / recipe.options.discriminator_steps;
  return run.train([&] {
    if (!resume) course.add(0, current());
    const auto on_step = [&](const rival::StepReport& step) {
      losses.add(step);
      watch.step(step, run, report);
      if (step.steps_done % o.evaluate_every == 0 || step.steps_done == step.steps_in_all) {
        scores.add(step.step, samples_of("evaluation"));
        course.add(step.steps_done, current());
        run.note(scores.last());
      }
      if (!run.step(step)) trainer.stop();
    };
    trainer.fit(data, {.epochs = o.steps / per_epoch + 1, .steps = o.steps, .resume = resume, .on_step = on_step});
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("text_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
