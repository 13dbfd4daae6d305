#pragma once
// progress_bar(): how a training run goes, for a person to watch.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#ifdef _WIN32
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

#include "rival/train/fit_options.hpp"

namespace rival {

namespace internal {

/// Columns of the window that the stream writes to; 0 when that is none, or one that does not tell.
inline int window_columns([[maybe_unused]] std::FILE* stream) {
#if !defined(_WIN32) && defined(TIOCGWINSZ)
  winsize size{};
  if (isatty(fileno(stream)) != 0 && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0) return size.ws_col;
#endif
  return 0;
}

/// 83 seconds as "1:23".
inline std::string clock_text(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

/// 1.2345 as "1.234", and a number that would need many digits as "1.23e+30".
inline std::string loss_text(double loss) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(loss) < 1e5 ? "%.3f" : "%.2e", loss);
  return text;
}

/// 341.2 as "341 images/s".
inline std::string speed_text(double per_second, const std::string& kind) {
  char text[64];
  std::snprintf(text, sizeof text, std::abs(per_second) < 1e9 ? "%.0f " : "%.2e ", per_second);
  return text + kind + "/s";
}

/// What a report says of how well it goes.
inline std::string losses_text(const StepReport& report) {
  if (!report.supervised)
    return "D " + loss_text(report.discriminator_loss) + "  G " + loss_text(report.generator_loss);
  char text[32];
  std::snprintf(text, sizeof text, "  accuracy %.1f %%", 100 * report.accuracy);
  return "loss " + loss_text(report.loss) + text;
}

/// The bar for a report, of at most `columns`: in a narrow window it shrinks, then what one misses least goes first.
inline std::string bar_text(const StepReport& report, const std::string& left, int columns,
                            const std::string& note = "", const std::string& kind = "images") {
  const std::string epoch = concatenate("epoch ", report.epoch, '/', report.epochs, ' '),
                    steps = concatenate(report.steps_done, '/', report.steps_in_all),
                    speed = "  " + speed_text(report.images_per_second, kind), losses = "  " + losses_text(report),
                    noted = note.empty() ? "" : "  " + note, time = "  " + left + " left";
  constexpr std::size_t widest = 16, narrowest = 6;
  // A report of a step outside of `fit` does not say how many there will be.
  const double done =
      report.steps_in_all > 0
          ? std::clamp(static_cast<double>(report.steps_done) / static_cast<double>(report.steps_in_all), 0.0, 1.0)
          : 0;
  const auto room = static_cast<std::size_t>(std::max(columns, 0));
  struct Choice {
    std::string before, after;
  };
  for (const auto& [before, after] :
       {Choice{epoch, steps + speed + losses + noted + time}, Choice{epoch, steps + losses + noted + time},
        Choice{"", steps + losses + noted + time}, Choice{"", steps + noted + time},
        Choice{epoch, steps + losses + time}, Choice{"", steps + losses + time}, Choice{"", steps + time}}) {
    const std::size_t rest = before.size() + after.size() + 3;  // with the brackets and a space
    if (rest + narrowest > room) continue;
    std::string bar(std::min(widest, room - rest), '.');
    std::fill_n(bar.begin(), static_cast<std::size_t>(done * static_cast<double>(bar.size())), '#');
    return before + '[' + bar + "] " + after;
  }
  return (steps + time).size() <= room ? steps + time : steps.substr(0, room);
}

}  // namespace internal

/// What a ProgressBar looks like.
struct ProgressOptions {
  /// A bar that redraws itself, as wide as the window; if not, a plain line every few seconds.
  bool bar = internal::window_columns(stdout) > 0;
  double line_seconds = 5;      ///< between plain lines
  std::string kind = "images";  ///< what the samples are
};

/// Shows the reports on standard output.
class ProgressBar {
 public:
  /// Shows nothing until the first report.
  explicit ProgressBar(const ProgressOptions& options = {}) : options_(options) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// Also when an exception ends the training: what is printed next stands on a line of its own.
  ~ProgressBar() { end_line(); }

  /// Shows a report; to be called after each step, with those of one fit after the other.
  void operator()(const StepReport& report) {
    const bool last = report.steps_done == report.steps_in_all;
    // A fit that goes on from a checkpoint has made steps of which its seconds know nothing.
    const bool first = report.steps_done <= seen_ || seen_ == 0 || report.seconds < shown_;
    if (first) skipped_ = report.steps_done - 1;
    seen_ = report.steps_done;
    // Nobody reads faster than this, and a terminal takes time.
    const double pause = options_.bar ? 0.1 : options_.line_seconds;
    if (!last && !first && report.seconds < shown_ + pause) return;
    shown_ = report.seconds;
    const auto made = static_cast<double>(report.steps_done - skipped_),
               rest = static_cast<double>(report.steps_in_all - report.steps_done);
    const std::string left = internal::clock_text(report.seconds * rest / made);
    if (options_.bar) {
      draw(report, left);
      if (last) end_line();
      return;
    }
    std::printf("epoch %td/%td  step %ld/%ld  %s  %s%s%s  %s left\n", report.epoch, report.epochs, report.steps_done,
                report.steps_in_all, internal::speed_text(report.images_per_second, options_.kind).c_str(),
                internal::losses_text(report).c_str(), note_.empty() ? "" : "  ", note_.c_str(), left.c_str());
    std::fflush(stdout);
  }

  /// A few words that stand behind the losses from now on.
  void set_note(const std::string& note) { note_ = note; }

  /// Ends the line on which the bar stands, if it does. The next report begins a new one.
  void end_line() {
    if (drawn_ == 0) return;
    drawn_ = 0;
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }

 private:
  /// Asked anew each time, since windows change their size.
  void draw(const StepReport& report, const std::string& left) {
    const int window = internal::window_columns(stdout);
    const int columns = (window > 0 ? window : 80) - 1;  // some terminals go on to the next line after the last column
    std::string text = internal::bar_text(report, left, columns, note_, options_.kind);
    const std::size_t length = text.size();
    // Spaces over what is longer of the bar before.
    text.resize(std::max(length, std::min(drawn_, static_cast<std::size_t>(std::max(columns, 0)))), ' ');
    std::fputc('\r', stdout);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    drawn_ = length;
  }

  ProgressOptions options_;
  std::string note_;
  double shown_ = 0;
  long seen_ = 0, skipped_ = 0;  ///< steps done at the last report, and before the first one
  std::size_t drawn_ = 0;        ///< characters of the bar that stands on an unfinished line
};

/// A callback for FitOptions::on_step that shows epoch, step, images per second, the losses and the time left: as a
/// bar in a window whose width is known, elsewhere as a plain line every few seconds.
inline std::function<void(const StepReport&)> progress_bar(const ProgressOptions& options = {}) {
  return [bar = std::make_shared<ProgressBar>(options)](const StepReport& report) { (*bar)(report); };
}

}  // namespace rival
