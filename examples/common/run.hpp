#pragma once
// What every program does around its training: files that appear while it goes on, progress, signals, and an end that
// leaves whole files, whatever brought it.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/checkpoints.hpp"
#include "common/output_folder.hpp"
#include "common/reports.hpp"
#include "common/signals.hpp"
#include "rival/train/progress.hpp"

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

  /// Makes the folder if it is not there. Throws rival::Error when nothing can be written to it.
  Run(std::string program, std::filesystem::path folder, bool quiet)
      : program_(std::move(program)), folder_(std::move(folder)), quiet_(quiet) {
    prepare_folder(folder_);
    if (!quiet) progress_.emplace();
  }

  /// A file of the folder, and what writes it: throughout the training and at its end, or only then. An empty `write`
  /// says that this run makes no such file. What an earlier run left under the name goes when this one begins to write.
  void output(std::string name, Write write, When when = When::throughout) {
    outputs_.push_back({std::move(name), std::move(write), when, false, ""});
  }

  /// `save` writes a checkpoint of the run as it stands.
  void checkpoints(Checkpoints checkpoints, Checkpoints::Save save) {
    checkpoints_.emplace(std::move(checkpoints));
    save_ = std::move(save);
  }
  /// Where the run stands, into a checkpoint and out of it.
  void put(rival::CheckpointExtras& extras) const { extras.numbers["last step"] = to_numbers({last_}); }
  void take(const rival::CheckpointExtras& extras) {
    last_ = to_reports(extras.numbers.at("last step")).at(0);
    seconds_before_ = last_.seconds;
    say(rival::internal::concatenate("goes on after step ", last_.steps_done));
  }

  /// Trains, then writes all files. An exception ends the training like a signal: what there is is written. Returns the
  /// program's exit code: 0 when the training came to its end; 128 + a signal that ended it; 1 when it failed, or a
  /// file could not be written. Each of these is said on standard error, in one line.
  int train(const std::function<void()>& training) {
    take_signals();
    refresh_at_ = Clock::now() + std::chrono::seconds(1);
    std::string failure;
    try {
      training();
    } catch (const std::bad_alloc&) {
      failure = "training stopped: not enough memory";
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (!failure.empty()) {
      complain(failure);
      state_ = failure;
    } else {
      state_ = stop_signal() != 0 ? "interrupted" : "";
    }
    const bool interrupted_training = interrupted();
    const auto tell = [&] { say(rival::internal::concatenate("interrupted after step ", last_.steps_done)); };
    if (interrupted_training) tell();  // before files are written, which may take a while
    write_all(When::throughout);
    write_all(When::at_end);
    if (interrupted() && !interrupted_training) tell();
    for (const auto& output : outputs_)
      if (output.ours) say("wrote " + (folder_ / output.name).string());
    if (checkpoints_ && checkpoints_->has_written()) say("wrote " + checkpoints_->newest().string());
    const bool unwritten =
        !checkpoint_problem_.empty() ||
        std::any_of(outputs_.begin(), outputs_.end(), [](const Output& o) { return !o.problem.empty(); });
    if (unwritten || !failure.empty()) return 1;
    return stop_signal() != 0 ? 128 + stop_signal() : 0;
  }

  /// To be called after each step. False when the training is to stop.
  bool step(const rival::StepReport& report) {
    last_ = report;
    last_.seconds += seconds_before_;
    if (progress_) (*progress_)(report);
    const bool goes_on = !interrupted();
    if (checkpoints_) write_checkpoint(goes_on && report.steps_done < report.steps_in_all);
    const auto begin = Clock::now();
    if (begin >= refresh_at_) {
      write_all(When::throughout);
      const auto end = Clock::now();
      refresh_at_ = end + std::max<Clock::duration>(99 * (end - begin), std::chrono::seconds(1));
    }
    return goes_on;
  }

  /// Writes what there is at the end of this step, not only when its time has come: for what must not be lost.
  void refresh() { refresh_at_ = {}; }

  /// A word on how well it goes, which the progress shows from now on.
  void note(const std::string& text) {
    if (progress_) progress_->set_note(text);
  }

  /// A line on standard output, below the progress; nothing if the run is quiet.
  void say(std::string_view line) {
    if (quiet_) return;
    progress_->end_line();
    std::cout << line << std::endl;
  }

  /// Whether a signal has asked the run to end.
  bool interrupted() const { return stop_signal() != 0; }
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

  void write_all(When when) {
    if (!writing_) remove_earlier();
    for (auto& output : outputs_)
      if (output.when == when && output.write) write(output);
  }

  void write(Output& output) {
    const auto path = folder_ / output.name;
    attempt(output.problem, rival::internal::concatenate(path), [&] {
      output.write(path);
      output.ours = true;
    });
    if (!output.ours) remove_file(path);  // rather no file than an earlier run's
  }

  void write_checkpoint(bool only_if_due) {
    const long every = checkpoints_->options().every;
    if (every == 0 || (only_if_due && last_.steps_done % every != 0)) return;
    attempt(checkpoint_problem_, "a checkpoint", [&] { checkpoints_->write(last_.steps_done, save_); });
  }

  /// Writes, and sets `problem` to what went wrong, if anything did. A problem is said when it is new.
  void attempt(std::string& problem, const std::string& what, const std::function<void()>& body) {
    std::string now;
    try {
      body();
    } catch (const std::bad_alloc&) {
      now = "cannot write " + what + ": not enough memory";
    } catch (const std::exception& error) {
      now = error.what();
    }
    if (!now.empty() && now != problem) complain(now);
    problem = now;
  }

  /// From the first file on that this run writes, the folder holds none of an earlier run's that it will not replace,
  /// and no parts of files at which a run was killed.
  void remove_earlier() {
    writing_ = true;
    for (const auto& output : outputs_)
      if (!output.write || output.when == When::at_end) remove_file(folder_ / output.name);
    std::error_code ignored;
    std::vector<std::filesystem::path> parts;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored))
      if (is_part(entry.path().filename().string())) parts.push_back(entry.path());
    for (const auto& part : parts) remove_file(part);
  }

  bool is_part(std::string_view file) const {
    return file.ends_with(".part") && std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
             return file.starts_with(output.name + '.');
           });
  }

  static void remove_file(const std::filesystem::path& path) {
    std::error_code ignored;
    if (std::filesystem::symlink_status(path, ignored).type() == std::filesystem::file_type::regular)
      std::filesystem::remove(path, ignored);
  }

  void complain(std::string_view what) {
    if (progress_) progress_->end_line();
    std::cerr << program_ << ": " << what << std::endl;
  }

  std::string program_;
  std::filesystem::path folder_;
  bool quiet_;
  std::optional<rival::ProgressBar> progress_;
  std::vector<Output> outputs_;
  std::optional<Checkpoints> checkpoints_;
  Checkpoints::Save save_;
  std::string checkpoint_problem_;
  double seconds_before_ = 0;  ///< that the run took before it was resumed
  bool writing_ = false;
  Clock::time_point refresh_at_;
  rival::StepReport last_;
  std::string state_ = "running";
};

/// The whole of a program's `main`: runs `body` and returns its exit code, or 2 after saying what was wrong with what
/// the program was given.
inline int run_program(const char* program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    std::cerr << program << ": not enough memory for these options\n";
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << '\n';
  }
  return 2;
}
