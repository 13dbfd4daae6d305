#pragma once
// What every program does around its training: files that appear while it goes on, progress, signals, and an end that
// leaves whole files, whatever brought it.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/checkpoints.hpp"
#include "common/output_folder.hpp"
#include "common/run_program.hpp"
#include "rival/train/fit_options.hpp"

namespace rival {
class ProgressBar;
}

/// A training run and the files that it leaves:
///
///     Run run("my_gan", options.out, options.quiet);
///     run.output("samples.png", [&](const auto& path) { rival::write_png(path, ...); });
///     return run.train([&] {
///       trainer.fit(data, {.on_step = [&](const auto& report) {
///         if (!run.step(report)) trainer.stop();
///       }});
///     });
///
/// The files are written anew while the training goes on: first after a second, then so seldom that it takes a
/// hundredth of the time. Checkpoints are written by `run.step` at their own steps, at the last one, and when a signal
/// ends the run. Other files that must be written at certain steps, or figures that are to be taken then, belong into
/// `on_step`, before `run.step`.
class Run {
 public:
  using Write = std::function<void(const std::filesystem::path& path)>;
  enum class When { throughout, at_end };

  /// Makes the folder if it is not there. `kind` says what the progress counts. Throws rival::Error when nothing can be
  /// written to the folder, and while another run writes to it.
  Run(std::string program, std::filesystem::path folder, bool quiet, const char* kind = "images");
  ~Run();

  /// A file of the folder, and what writes it: throughout the training and at its end, or only then. An empty `write`
  /// says that this run makes no such file. What an earlier run left under the name goes when this one begins to write.
  void output(std::string name, Write write, When when = When::throughout);

  /// `save` writes a checkpoint of the run as it stands.
  void checkpoints(Checkpoints checkpoints, Checkpoints::Save save);
  /// Where the run stands, into a checkpoint and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

  /// Trains, then writes all files. An exception ends the training like a signal: what there is is written. Returns the
  /// program's exit code: 0 when the training came to its end; 128 + a signal that ended it; 1 when it failed, or a
  /// file could not be written. Each of these is said on standard error, in one line.
  int train(const std::function<void()>& training);

  /// Ends the training after so many seconds, wherever it is, those before a break counted; 0: at its last step.
  void limit(double seconds) { limit_ = seconds; }

  /// To be called after each step. False when the training is to stop.
  bool step(const rival::StepReport& report);

  /// Writes what there is at the end of this step, not only when its time has come: for what must not be lost.
  void refresh() { refresh_at_ = {}; }

  /// A word on how well it goes, which the progress shows from now on.
  void note(const std::string& text);

  /// A line on standard output, below the progress; nothing if the run is quiet.
  void say(std::string_view line);

  /// Whether a signal has asked the run to end.
  bool interrupted() const;
  /// The last step's.
  const rival::StepReport& last() const { return last_; }
  bool running() const { return state_ == "running"; }
  /// For a summary: " (running)", "" after a training that came to its end, or in brackets what ended it.
  std::string state() const { return state_.empty() ? "" : " (" + state_ + ')'; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Output {
    std::string name;
    Write write;
    When when;
    bool ours;            ///< this run has written it
    std::string problem;  ///< why it could not be written the last time
  };

  void write_all(When when);
  void write(Output& output);
  void write_checkpoint(bool only_if_due);

  /// Writes, and sets `problem` to what went wrong, if anything did. A problem is said when it is new.
  void attempt(std::string& problem, const std::string& what, const std::function<void()>& body);

  /// From the first file on that this run writes, the folder holds none of an earlier run's that it will not replace,
  /// and no parts of files at which a run was killed.
  void remove_earlier();
  bool is_part(std::string_view file) const;

  void complain(std::string_view what);

  std::string program_;
  std::filesystem::path folder_;
  OutputFolder ours_;
  bool quiet_;
  std::unique_ptr<rival::ProgressBar> progress_;  ///< none if quiet
  std::vector<Output> outputs_;
  std::optional<Checkpoints> checkpoints_;
  Checkpoints::Save save_;
  std::string checkpoint_problem_;
  double limit_ = 0;
  bool late_ = false;
  double seconds_before_ = 0;  ///< that the run took before it was resumed
  bool writing_ = false;
  Clock::time_point refresh_at_;
  rival::StepReport last_;
  std::string state_ = "running";
};
