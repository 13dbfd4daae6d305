// Trains a classifier and says how good it is. `--help` lists the options.

#include <utility>

#include "common/losses.hpp"
#include "common/network_files.hpp"
#include "common/run.hpp"
#include "common/settings.hpp"
#include "data.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "rival/image/png.hpp"
#include "rival/train/make_classifier.hpp"
#include "rival/train/supervised_trainer.hpp"

namespace {

int train(Options o) {
  if (o.threads > 0) rival::set_threads(o.threads);
  // All that can be wrong is found before anything is written.
  Checkpoints checkpoints(o.out, o.checkpoints);
  const bool resume = o.checkpoints.resume;
  if (resume) resume_options(checkpoints, "classify", o);
  const Data data = read_data(o);
  const rival::Shape& sample = data.train.sample_shape();
  const bool pictures = sample.rank() == 3;
  rival::Classifier<> classifier =
      rival::make_classifier<>(sample, data.train.classes(), o.width, rival::Random(o.seed));
  rival::SupervisedOptions<> options{
      .batch = o.batch,
      .label_smoothing = o.label_smoothing,
      .optimizer = rival::AdamOptions{.learning_rate = o.learning_rate, .schedule = rival::over_run([](long steps) {
                                                                          return rival::cosine({.steps = steps});
                                                                        })},
      .average = rival::MovingAverageOptions{.half_life = static_cast<double>(data.train.size()) / 3},
      .seed = o.seed};
  if (pictures) options.augment = rival::Distortion<>(o.distortion);
  rival::SupervisedTrainer<> trainer(classifier, options);
  Result result(trainer.averaged_classifier(), data, rival::Random(o.seed).stream("statistics"));
  Losses losses(true);
  const rival::CheckpointExtras earlier = resume ? trainer.load(checkpoints.newest()) : rival::CheckpointExtras();
  rival::require(!resume || trainer.state().data_set == data.train.fingerprint(),
                 "--resume: expected the samples that the run was begun with, got others in ",
                 o.images.empty() ? o.data : o.images);

  Run run("classify", o.out, o.quiet);
  if (!data.description.empty()) run.say(data.description);
  if (resume) {
    run.take(earlier);
    losses.take(earlier);
    result.take(earlier);
  }
  using std::filesystem::path;
  run.output("classifier.safetensors",
             [&](const path& to) { rival::save(result.classifier(run.last().steps_done), to); });
  run.output("losses.csv", [&](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [&](const path& to) { losses.write_svg(to); });
  run.output("summary.txt", [&](const path& to) { rival::replace_file(to, describe(o, run, data, result)); });
  Run::Write write_mistakes;
  if (pictures && (sample[2] == 1 || sample[2] == 3))
    write_mistakes = [&](const path& to) {
      rival::write_png(to, mistakes(data.test, result.errors(run.last().steps_done)));
    };
  run.output("mistakes.png", write_mistakes, Run::When::at_end);

  run.checkpoints(checkpoints, [&](const path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, o);
    run.put(extras);
    losses.put(extras);
    result.put(extras);
    trainer.save(to, extras);
  });

  const rival::Index per_epoch = data.train.size() / o.batch;
  return run.train([&] {
    const auto on_step = [&](const rival::StepReport& report) {
      losses.add(report);
      // Before run.step, which may write a checkpoint.
      if (report.steps_done % per_epoch == 0 || report.steps_done == report.steps_in_all) {
        result.add_epoch(report);
        run.say(
            rival::internal::concatenate("epoch ", report.epoch, ": test error ", 100 * result.epochs().back(), " %"));
      }
      if (!run.step(report)) trainer.stop();
    };
    trainer.fit(data.train, {.epochs = o.epochs, .steps = o.steps, .resume = resume, .on_step = on_step});
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("classify", [&] {
    Options options;
    return parse(argc, argv, options) ? train(options) : 0;
  });
}
