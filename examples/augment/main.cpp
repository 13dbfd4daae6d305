// Trains a classifier on a few labels with the help of a GAN, or says what a GAN's pictures are worth to a classifier.
// `--help` lists the options.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/gan_training.hpp"
#include "common/network_files.hpp"
#include "common/time_budget.hpp"
#include "few_labels.hpp"
#include "options.hpp"
#include "rival/gan/recipes/semi_supervised.hpp"
#include "rival/image/grid.hpp"
#include "rival/image/png.hpp"
#include "rival/train/evaluate.hpp"
#include "rival/train/supervised_trainer.hpp"
#include "table.hpp"

namespace {

/// The errors on the test pictures: of the same network trained on the labelled pictures alone, and of the classifier
/// within the discriminator as the training goes on. In per cent.
class Errors {
 public:
  void set_alone(double error) { alone_ = 100 * error; }
  void add(long step, double error) { at_[step] = 100 * error; }
  double last() const { return at_.empty() ? 100 : at_.rbegin()->second; }

  std::string text() const {
    rival::internal::TextStream text;
    text << "test error " << last() << " %, on the labelled pictures alone " << alone_ << " %";
    return text.str();
  }
  Losses::Figures figures() const {
    return {.names = {"test_error"}, .at = [this](long step) -> const double* {
              const auto found = at_.find(step);
              return found == at_.end() ? nullptr : &found->second;
            }};
  }
  void add_to(rival::Page& page) const {
    std::vector<std::vector<std::string>> rows{{"labelled pictures alone", rival::internal::concatenate(alone_)}};
    for (const auto& [step, error] : at_)
      rows.push_back({rival::internal::concatenate("with the GAN, step ", step), rival::internal::concatenate(error)});
    page.table("Test error in %", {"trained on", "error"}, rows);
  }
  void put(rival::CheckpointExtras& extras) const {
    rival::Tensor<double> numbers({static_cast<rival::Index>(1 + 2 * at_.size())});
    rival::Index i = 0;
    numbers[i++] = alone_;
    for (const auto& [step, error] : at_) numbers[i++] = static_cast<double>(step), numbers[i++] = error;
    extras.numbers["errors"] = numbers;
  }
  void take(const rival::CheckpointExtras& extras) {
    const rival::Tensor<double>& numbers = extras.numbers.at("errors");
    alone_ = numbers[0];
    for (rival::Index i = 1; i + 1 < numbers.size(); i += 2) at_[static_cast<long>(numbers[i])] = numbers[i + 1];
  }

 private:
  double alone_ = 100;
  std::map<long, double> at_;
};

/// The error of the network as it stands before the training, trained on the labelled pictures alone.
double error_alone(const rival::Recipe<>& recipe, const Digits& digits, std::uint64_t seed) {
  rival::Classifier<> classifier = rival::classifier_within(recipe.discriminator);
  const rival::LabelledSamples& labelled = *recipe.options.labelled;
  const rival::AdamOptions adam{
      .learning_rate = 1e-3, .schedule = rival::over_run([](long steps) { return rival::cosine({.steps = steps}); })};
  rival::SupervisedTrainer<> trainer(classifier, {.batch = labelled.batch, .optimizer = adam, .seed = seed});
  constexpr long steps = 500;
  const rival::Index per_epoch = labelled.data.size() / labelled.batch;
  trainer.fit(labelled.data, {.epochs = steps / per_epoch + 1, .steps = steps});
  return rival::evaluate(classifier, digits.test).error();
}

int train(Options o) {
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "augment", o);
  Digits digits = read_digits(o);
  for (rival::Dataset* part : {&digits.train, &digits.test}) *part = from_zero_to_one(*part);
  const rival::Dataset& data = digits.train;
  rival::require(o.batch <= data.size(), "--batch: expected at most the ", data.size(), " training pictures, got ",
                 o.batch);
  const rival::Dataset labelled = few_of_each_class(data, o.labels, o.seed);
  rival::Recipe<> recipe = rival::recipes::semi_supervised({.batch = o.batch, .seed = o.seed}, labelled);
  std::vector<std::string> words;
  if (const auto word = choose_steps(o, o.steps, o.minutes, recipe, data); !word.empty()) words.push_back(word);
  if (o.evaluate_every == 0) o.evaluate_every = std::max(1L, o.steps / 20);

  Errors errors;
  GanTraining training(
      {.program = "augment",
       .options = o,
       .settings = o,
       .asked = o,
       .checkpoints = checkpoints,
       .data = data,
       .source = o.data,
       .recipe = recipe,
       .heading = rival::internal::concatenate(o.labels, " labelled pictures of each of ", digits.class_names.size(),
                                               " classes, ", data.size(), " without labels, batch ", o.batch),
       .words = words,
       .seconds = time_limit(o, o.minutes),
       .figures = errors.figures()});
  Run& run = training.run;
  training.keep(errors);
  const Samples samples = training.samples("samples");
  using std::filesystem::path;
  const auto picture = [&](rival::Index scale) {
    rival::Tensor<float> shown = samples.fixed();
    shown.array() = 2 * shown.array() - 1;
    return rival::grid(shown, {.columns = samples.columns(), .scale = scale});
  };
  run.output("samples.png", [&](const path& to) { rival::write_png(to, picture(2)); });
  run.output("classifier.safetensors", [&](const path& to) {
    rival::save(of_usual_pictures(rival::classifier_within(recipe.discriminator)), to);
  });
  training.output_losses_and_generator(
      training.sampling(), [](const rival::Generator<>& generator) { return of_usual_pictures(generator); });
  training.output_summary_and_report(
      [&] { return rival::internal::concatenate('\n', errors.text(), " (", digits.test.size(), " test pictures)"); },
      [&](rival::Page& page) { errors.add_to(page); });

  return training.train(
      {.steps = o.steps,
       .begin = [&] { errors.set_alone(error_alone(recipe, digits, o.seed)); },
       .on_step =
           [&](const rival::StepReport& step) {
             if (step.steps_done % o.evaluate_every != 0 && step.steps_done != step.steps_in_all) return;
             errors.add(step.step,
                        rival::evaluate(rival::classifier_within(recipe.discriminator), digits.test).error());
             training.report.frame(step.steps_done, rival::encode_png(picture(1)));
             run.note(errors.text());
           },
       .end = [&] { run.say(errors.text()); }});
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("augment", [&] {
    Options options;
    if (!parse(argc, argv, options)) return 0;
    if (options.threads > 0) rival::set_threads(options.threads);
    return options.table ? make_table(options) : train(options);
  });
}
