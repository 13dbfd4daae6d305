#pragma once
// What every program does that trains a GAN: the trainer, its checkpoints, and the files that all of them write.

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/checkpoints.hpp"
#include "common/losses.hpp"
#include "common/report.hpp"
#include "common/run.hpp"
#include "common/samples.hpp"
#include "common/settings.hpp"
#include "common/training_options.hpp"
#include "common/watch.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/recipes/recipe.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/image/gif.hpp"
#include "rival/io/sampler.hpp"

/// Classes that the recipe's networks are told of; 0: none.
rival::Index label_classes(const rival::Recipe<>& recipe, const rival::Dataset& data);

/// The class that --label names: of the data's, which have these names, or of those that a recipe draws itself, which
/// go by their numbers. -1 for no label. Throws rival::Error for a class that there is not.
long class_to_sample(const std::string& label, const rival::Recipe<>& recipe, const rival::Dataset& data,
                     const std::vector<std::string>& names);

/// What is trained on what, and how its program goes about it.
struct GanSetup {
  const char* program;
  const TrainingOptions& options;  ///< with all that was left open decided
  Settings settings;               ///< of all options, for the report
  Settings asked;                  ///< as a checkpoint is to have them
  const Checkpoints& checkpoints;
  const rival::Dataset& data;
  const char* kind = "images";        ///< what the data are
  std::filesystem::path source = {};  ///< of the data
  rival::Recipe<>& recipe;
  std::vector<std::string> class_names = {};  ///< of the data's classes
  long label = -1;                            ///< the class to sample; -1: all
  std::string heading = {};                   ///< of summary.txt: what is trained
  std::vector<std::string> words = {};        ///< to be said before the training
  std::set<std::string_view> unused = {};     ///< options that have no part in it
  double seconds = 0;                         ///< after which it ends, wherever it is; 0: at its last step
  Losses::Figures figures = {};               ///< more columns of losses.csv
};

/// A training, and what is kept of it:
///
///     GanTraining training({.program = "my_gan", ...});
///     training.run.output("samples.png", ...);
///     training.output_losses_and_generator();
///     training.output_summary_and_report([] { return std::string(); });
///     return training.train({.on_step = ...});
///
/// It goes on from a checkpoint where the options ask for that.
class GanTraining {
 public:
  /// Throws rival::Error for a checkpoint of other data, and for a folder that cannot be written to.
  explicit GanTraining(GanSetup setup);

  rival::AdversarialTrainer<> trainer;
  Losses losses;
  Report report;
  Run run;

  /// Whether it goes on from a checkpoint.
  bool resumed() const { return setup_.options.checkpoints.resume; }

  /// Samples of the averaged generator as it will be when they are drawn. `stream` names their random numbers.
  Samples samples(const char* stream) const;

  /// Draws so many, at most a thousand at a time, and gives them to `take`. A signal that ends the run ends this, too,
  /// but not before the first piece. Returns whether all were drawn.
  bool draw(Samples samples, rival::Index count, const std::function<void(const rival::Tensor<float>&)>& take) const;

  /// So many as one tensor; none when a signal ended the run before all were drawn.
  std::optional<rival::Tensor<float>> draw_all(Samples samples, rival::Index count) const;

  /// Something else that a checkpoint has: `put` writes it, and `take` reads it, at once where the training goes on.
  void keep(const std::function<void(rival::CheckpointExtras&)>& put,
            const std::function<void(const rival::CheckpointExtras&)>& take);
  template <class Part>
  void keep(Part& part) {
    keep([&part](auto& extras) { part.put(extras); }, [&part](const auto& extras) { part.take(extras); });
  }
  /// The pictures of an animation, of so many channels.
  void keep(rival::Animation& animation, rival::Index channels);

  /// losses.csv, losses.svg and generator.safetensors, of the averaged generator or of what `as` makes of it.
  void output_losses_and_generator(rival::Sampling sampling,
                                   std::function<rival::Generator<>(const rival::Generator<>&)> as = {});
  void output_losses_and_generator() { output_losses_and_generator(sampling()); }
  /// How its generator is sampled, for a file.
  rival::Sampling sampling() const;

  /// summary.txt, with `results` between the losses and the networks; and report.html, to which `add` adds what is the
  /// program's own.
  void output_summary_and_report(const std::function<std::string()>& results,
                                 const std::function<void(rival::Page&)>& add = {});

  struct Course {
    rival::Index epochs = 0;                                     ///< 0: as many as the steps take
    long steps = 0;                                              ///< 0: as many as the epochs have
    std::function<void()> begin = {};                            ///< before the first step of a run that begins anew
    std::function<void(const rival::StepReport&)> on_step = {};  ///< before files are written
    std::function<void()> end = {};                              ///< after the last step, whatever ended it
  };
  /// Trains, writes all files, and returns the program's exit code.
  int train(const Course& course);

 private:
  std::string summary(const std::string& results) const;

  GanSetup setup_;
  Watch watch_;
  rival::CheckpointExtras earlier_;  ///< of the checkpoint from which it goes on
  std::vector<std::function<void(rival::CheckpointExtras&)>> puts_;
};

/// How many steps lie between two pictures of the samples: as `asked`, or, if that is 0, a fortieth of all.
long sample_interval(long asked, const rival::StepReport& step);
