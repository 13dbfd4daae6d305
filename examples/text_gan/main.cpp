// Trains a GAN on the lines of a text. `--help` lists the options.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/gan_training.hpp"
#include "common/time_budget.hpp"
#include "lines.hpp"
#include "options.hpp"
#include "recipe.hpp"
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
  if (const auto word = choose_steps(o, o.steps, o.minutes, recipe, data); !word.empty()) words.push_back(word);
  if (o.evaluate_every == 0) o.evaluate_every = std::max(1L, o.steps / 20);

  Scores scores(data, lines.held_out, rival::Random(o.seed).stream("markov chains"));
  GanTraining training({.program = "text_gan",
                        .options = o,
                        .settings = o,
                        .asked = o,
                        .checkpoints = checkpoints,
                        .data = data,
                        .kind = "lines",
                        .source = o.data,
                        .recipe = recipe,
                        .class_names = lines.text.class_names,
                        .label = class_to_sample(o.label, recipe, data, lines.text.class_names),
                        .heading = rival::internal::concatenate("text ", o.data.string(), ", ", data.size(),
                                                                " lines and ", lines.held_out.size(),
                                                                " held out, recipe ", o.recipe, ", batch ", o.batch),
                        .words = words,
                        .seconds = time_limit(o, o.minutes),
                        .figures = scores.figures()});
  Run& run = training.run;
  const Samples samples = training.samples("samples");
  Course course;
  training.keep(scores);
  training.keep(course);
  using std::filesystem::path;
  const auto current = [&] { return texts_of(samples.fixed(), alphabet); };
  run.output("samples.txt", [&](const path& to) { rival::replace_file(to, joined(current())); });
  run.output("progress.txt", [&](const path& to) { rival::replace_file(to, course.text()); });
  rival::Sampling sampling = training.sampling();
  sampling.alphabet = alphabet.characters();
  training.output_losses_and_generator(sampling);
  training.output_summary_and_report([&] { return '\n' + scores.table(); },
                                     [&](rival::Page& page) {
                                       course.add_to(page);
                                       scores.add_to(page);
                                     });
  Run::Write write_samples;
  if (o.samples > 0)
    write_samples = [&](const path& to) {
      std::string text;
      training.draw(training.samples("generated"), o.samples,
                    [&](const rival::Tensor<float>& piece) { text += joined(texts_of(piece, alphabet)); });
      rival::replace_file(to, text);
    };
  run.output("generated.txt", write_samples, Run::When::at_end);

  return training.train({.steps = o.steps,
                         .begin = [&] { course.add(0, current()); },
                         .on_step =
                             [&](const rival::StepReport& step) {
                               if (step.steps_done % o.evaluate_every != 0 && step.steps_done != step.steps_in_all)
                                 return;
                               if (const auto made = training.draw_all(training.samples("evaluation"), scores.count()))
                                 scores.add(step.step, *made);
                               course.add(step.steps_done, current());
                               run.note(scores.last());
                             }});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("text_gan", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
