#include "common/run.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <new>
#include <system_error>

#include "common/reports.hpp"
#include "common/signals.hpp"
#include "rival/train/progress.hpp"

namespace {

void remove_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::symlink_status(path, ignored).type() == std::filesystem::file_type::regular)
    std::filesystem::remove(path, ignored);
}

}  // namespace

Run::Run(std::string program, std::filesystem::path folder, bool quiet, const char* kind)
    : program_(std::move(program)), folder_(std::move(folder)), ours_(folder_), quiet_(quiet) {
  if (!quiet) progress_ = std::make_unique<rival::ProgressBar>(rival::ProgressOptions{.kind = kind});
}
Run::~Run() = default;

void Run::output(std::string name, Write write, When when) {
  outputs_.push_back({std::move(name), std::move(write), when, false, ""});
}

void Run::checkpoints(Checkpoints checkpoints, Checkpoints::Save save) {
  checkpoints_.emplace(std::move(checkpoints));
  save_ = std::move(save);
}

void Run::put(rival::CheckpointExtras& extras) const { extras.numbers["last step"] = to_numbers({last_}); }
void Run::take(const rival::CheckpointExtras& extras) {
  last_ = to_reports(extras.numbers.at("last step")).at(0);
  seconds_before_ = last_.seconds;
  say(rival::internal::concatenate("goes on after step ", last_.steps_done));
}

int Run::train(const std::function<void()>& training) {
  take_signals();
  refresh_at_ = Clock::now() + std::chrono::seconds(1);
  if (const auto earlier = checkpoints_ ? checkpoints_->of_earlier_run() : std::filesystem::path(); !earlier.empty())
    say("begins anew; --resume would have gone on from " + earlier.string() + " of an earlier run" +
        (checkpoints_->options().every > 0 ? ", which is kept as earlier-" + earlier.filename().string() : ""));
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
    state_ = stop_signal() != 0 ? "interrupted" : late_ ? "the time is over" : "";
  }
  const bool interrupted_training = interrupted();
  const auto tell = [&] { say(rival::internal::concatenate("interrupted after step ", last_.steps_done)); };
  if (interrupted_training) tell();  // before files are written, which may take a while
  write_all(When::throughout);
  write_all(When::at_end);
  if (interrupted() && !interrupted_training) tell();
  std::error_code ignored;
  for (const auto& output : outputs_)
    if (output.ours && std::filesystem::exists(folder_ / output.name, ignored))
      say((output.problem.empty() ? "wrote " : "left as it was at an earlier step: ") +
          (folder_ / output.name).string());
  if (checkpoints_ && checkpoints_->has_written() && std::filesystem::exists(checkpoints_->newest(), ignored))
    say("wrote " + checkpoints_->newest().string());
  const bool unwritten =
      !checkpoint_problem_.empty() ||
      std::any_of(outputs_.begin(), outputs_.end(), [](const Output& o) { return !o.problem.empty(); });
  if (unwritten || !failure.empty()) return 1;
  return stop_signal() != 0 ? 128 + stop_signal() : 0;
}

bool Run::step(const rival::StepReport& report) {
  last_ = report;
  last_.seconds += seconds_before_;
  if (progress_) (*progress_)(report);
  late_ = limit_ > 0 && last_.seconds >= limit_ && last_.steps_done < last_.steps_in_all;
  if (late_ && !interrupted())
    say(rival::internal::concatenate("the time is over at step ", last_.steps_done, " of ", last_.steps_in_all,
                                     checkpoints_ ? "; --resume goes on from there" : ""));
  const bool goes_on = !late_ && !interrupted();
  if (checkpoints_) write_checkpoint(goes_on && report.steps_done < report.steps_in_all);
  const auto begin = Clock::now();
  if (begin >= refresh_at_) {
    write_all(When::throughout);
    const auto end = Clock::now();
    refresh_at_ = end + std::max<Clock::duration>(99 * (end - begin), std::chrono::seconds(1));
  }
  return goes_on;
}

void Run::note(const std::string& text) {
  if (progress_) progress_->set_note(text);
}

void Run::say(std::string_view line) {
  if (quiet_) return;
  progress_->end_line();
  std::cout << line << std::endl;
}

bool Run::interrupted() const { return stop_signal() != 0; }

void Run::write_all(When when) {
  if (!writing_) remove_earlier();
  for (auto& output : outputs_)
    if (output.when == when && output.write) write(output);
}

void Run::write(Output& output) {
  const auto path = folder_ / output.name;
  attempt(output.problem, rival::internal::concatenate(path), [&] {
    output.write(path);
    output.ours = true;
  });
  if (!output.ours) remove_file(path);  // rather no file than an earlier run's
}

void Run::write_checkpoint(bool only_if_due) {
  const long every = checkpoints_->options().every;
  // A run whose time is over before its last step can go on, whether checkpoints were asked for or not.
  if ((every == 0 && !late_) || (only_if_due && last_.steps_done % every != 0)) return;
  attempt(checkpoint_problem_, "a checkpoint", [&] { checkpoints_->write(last_.steps_done, save_); });
}

void Run::attempt(std::string& problem, const std::string& what, const std::function<void()>& body) {
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

void Run::remove_earlier() {
  writing_ = true;
  for (const auto& output : outputs_)
    if (!output.write || output.when == When::at_end) remove_file(folder_ / output.name);
  std::error_code ignored;
  std::vector<std::filesystem::path> parts;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored))
    if (is_part(entry.path().filename().string())) parts.push_back(entry.path());
  for (const auto& part : parts) remove_file(part);
}

bool Run::is_part(std::string_view file) const {
  return file.ends_with(".part") && std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
           return file.starts_with(output.name + '.');
         });
}

void Run::complain(std::string_view what) {
  if (progress_) progress_->end_line();
  std::cerr << program_ << ": " << what << std::endl;
}
