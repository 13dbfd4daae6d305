#include "common/gan_training.hpp"

#include <algorithm>
#include <utility>

#include "common/network_files.hpp"
#include "rival/nn/summary.hpp"

using rival::Index;

Index label_classes(const rival::Recipe<>& recipe, const rival::Dataset& data) {
  switch (recipe.options.labels) {
    case rival::LabelSource::data:
      return data.classes();
    case rival::LabelSource::drawn:
      return recipe.options.classes;
    default:
      return 0;
  }
}

long class_to_sample(const std::string& label, const rival::Recipe<>& recipe, const rival::Dataset& data,
                     const std::vector<std::string>& names) {
  if (label.empty()) return -1;
  const Index classes = label_classes(recipe, data);
  rival::require(classes > 0, "--label: expected a recipe and data with classes");
  const bool told = recipe.options.labels == rival::LabelSource::data;
  return static_cast<long>(
      rival::internal::class_named("--label: ", classes, told ? names : std::vector<std::string>(), label));
}

long sample_interval(long asked, const rival::StepReport& step) {
  return asked > 0 ? asked : std::max(1L, step.steps_in_all / 40);
}

namespace {

/// What a checkpoint has, when the training goes on from one. The trainer is then as it was.
rival::CheckpointExtras load(rival::AdversarialTrainer<>& trainer, const GanSetup& setup) {
  if (!setup.options.checkpoints.resume) return {};
  rival::CheckpointExtras extras = trainer.load(setup.checkpoints.newest());
  rival::require(trainer.state().data_set == setup.data.fingerprint(), "--resume: expected the ", setup.kind,
                 " that the run was begun with, got others in ", setup.source);
  return extras;
}

}  // namespace

GanTraining::GanTraining(GanSetup setup)
    : trainer(setup.recipe.generator, setup.recipe.discriminator, setup.recipe.options),
      losses(setup.figures),
      run(setup.program, setup.options.out, setup.options.quiet, setup.kind),
      setup_(std::move(setup)),
      watch_(trainer, setup_.data, setup_.options.seed),
      earlier_(load(trainer, setup_)) {
  run.limit(setup_.seconds);
  for (const std::string& word : setup_.words) run.say(word);
  keep(run);
  keep(losses);
  keep(report);
  keep(watch_);
  run.checkpoints(setup_.checkpoints, [this](const std::filesystem::path& to) {
    rival::CheckpointExtras extras;
    put_settings(extras, setup_.asked);
    for (const auto& put : puts_) put(extras);
    trainer.save(to, extras);
  });
}

Samples GanTraining::samples(const char* stream) const {
  return Samples(trainer.averaged_generator(), setup_.recipe.options, rival::Random(setup_.options.seed).stream(stream),
                 label_classes(setup_.recipe, setup_.data), setup_.label);
}

bool GanTraining::draw(Samples samples, Index count,
                       const std::function<void(const rival::Tensor<float>&)>& take) const {
  Index drawn = 0;
  do {
    const rival::Tensor<float> piece = samples.next(std::min<Index>(count - drawn, 1000));
    take(piece);
    drawn += piece.dim(0);
  } while (drawn < count && !run.interrupted());
  return drawn == count;
}

std::optional<rival::Tensor<float>> GanTraining::draw_all(Samples samples, Index count) const {
  rival::Tensor<float> all(setup_.recipe.generator.output_shape().batch(count));
  float* next = all.data();
  const bool whole = draw(std::move(samples), count, [&](const rival::Tensor<float>& piece) {
    next = std::copy_n(piece.data(), piece.size(), next);
  });
  if (!whole) return std::nullopt;
  return all;
}

void GanTraining::keep(const std::function<void(rival::CheckpointExtras&)>& put,
                       const std::function<void(const rival::CheckpointExtras&)>& take) {
  puts_.push_back(put);
  if (resumed()) take(earlier_);
}

void GanTraining::keep(rival::Animation& animation, Index channels) {
  keep([&](auto& extras) { extras.bytes["frames"] = animation.frames(); },
       [&](const auto& extras) { animation.set_frames(extras.bytes.at("frames"), channels); });
}

rival::Sampling GanTraining::sampling() const {
  const bool told = setup_.recipe.options.labels == rival::LabelSource::data;  // of the classes
  return rival::sampling_of(setup_.recipe.options, told ? setup_.class_names : std::vector<std::string>());
}

void GanTraining::output_losses_and_generator(rival::Sampling sampling,
                                              std::function<rival::Generator<>(const rival::Generator<>&)> as) {
  using std::filesystem::path;
  run.output("losses.csv", [this](const path& to) { losses.write_csv(to); });
  run.output("losses.svg", [this](const path& to) { losses.write_svg(to); });
  run.output("generator.safetensors", [this, sampling = std::move(sampling), as = std::move(as)](const path& to) {
    const rival::Generator<>& generator = trainer.averaged_generator();
    if (as)
      rival::save(as(generator), sampling, to);
    else
      rival::save(generator, sampling, to);
  });
}

void GanTraining::output_summary_and_report(const std::function<std::string()>& results,
                                            const std::function<void(rival::Page&)>& add) {
  using std::filesystem::path;
  run.output("summary.txt", [this, results](const path& to) { rival::replace_file(to, summary(results())); });
  run.output("report.html", [this, add](const path& to) {
    rival::Page page = report.begin(setup_.program, run, losses.steps());
    if (add) add(page);
    report.end(page, run, setup_.settings, setup_.recipe.generator, setup_.recipe.discriminator, setup_.unused);
    page.save(to);
  });
}

std::string GanTraining::summary(const std::string& results) const {
  const rival::StepReport& last = run.last();
  rival::internal::TextStream text;
  text << setup_.heading << ", seed " << setup_.options.seed << ", threads " << rival::threads() << "\n\n"
       << "steps " << last.steps_done << " of " << last.steps_in_all << run.state() << ", epochs " << last.epoch
       << ", seconds " << last.seconds << ", " << setup_.kind << "/s " << last.images_per_second << "\n"
       << "last step: discriminator loss " << last.discriminator_loss << ", generator loss " << last.generator_loss
       << ", penalty " << last.penalty << ", auxiliary loss " << last.auxiliary_loss << ", mean score of real "
       << last.real_score << ", of generated " << last.fake_score << ", accuracy " << last.accuracy << "\n"
       << results << (results.empty() || results.ends_with('\n') ? "\n" : "\n\n")
       << rival::summary(setup_.recipe.generator) << '\n'
       << rival::summary(setup_.recipe.discriminator);
  return text.str();
}

int GanTraining::train(const Course& course) {
  const Index steps_an_epoch =
      setup_.data.size() / setup_.recipe.options.batch / setup_.recipe.options.discriminator_steps;
  return run.train([&] {
    if (!resumed() && course.begin) course.begin();
    const auto on_step = [&](const rival::StepReport& step) {
      losses.add(step);
      if (course.on_step) course.on_step(step);
      watch_.step(step, run, report);
      if (!run.step(step)) trainer.stop();
    };
    trainer.fit(setup_.data, {.epochs = course.epochs > 0 ? course.epochs : course.steps / steps_an_epoch + 1,
                              .steps = course.steps,
                              .resume = resumed(),
                              .on_step = on_step});
    if (course.end) course.end();
  });
}
