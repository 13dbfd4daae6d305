#pragma once
// progress_bar(): how a training run goes, for a person to watch.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

#include "rival/gan/trainer.hpp"

namespace rival {

struct ProgressOptions {
  /// A bar that redraws itself; if not, a plain line every few seconds.
  bool bar = true;
  double line_seconds = 5;  ///< between plain lines
};

namespace internal {

inline bool is_terminal(std::FILE* stream) {
#ifdef _WIN32
  return _isatty(_fileno(stream)) != 0;
#else
  return isatty(fileno(stream)) != 0;
#endif
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

/// Shows the reports on standard output.
class Progress {
 public:
  explicit Progress(const ProgressOptions& options) : options_(options) {}

  void operator()(const StepReport& report) {
    const bool last = report.steps_done == report.steps_in_all;
    // Nobody reads faster than this, and a terminal takes time.
    const double pause = options_.bar ? 0.1 : options_.line_seconds;
    if (!last && report.steps_done > 1 && report.seconds < shown_ + pause) return;
    shown_ = report.seconds;
    const double done = static_cast<double>(report.steps_done) / static_cast<double>(report.steps_in_all);
    const std::string left = clock_text(report.seconds * (1 - done) / done);
    const std::string discriminator = loss_text(report.discriminator_loss),
                      generator = loss_text(report.generator_loss);
    char text[256];
    if (options_.bar) {
      constexpr int width = 16;
      const int full = static_cast<int>(done * width);
      std::string bar(static_cast<std::size_t>(full), '#');
      bar.resize(static_cast<std::size_t>(width), '.');
      std::snprintf(text, sizeof text, "\repoch %td/%td [%s] %ld/%ld  %.0f images/s  D %s  G %s  %s left  ",
                    report.epoch, report.epochs, bar.c_str(), report.steps_done, report.steps_in_all,
                    report.images_per_second, discriminator.c_str(), generator.c_str(), left.c_str());
    } else {
      std::snprintf(text, sizeof text, "epoch %td/%td  step %ld/%ld  %.0f images/s  D %s  G %s  %s left\n",
                    report.epoch, report.epochs, report.steps_done, report.steps_in_all, report.images_per_second,
                    discriminator.c_str(), generator.c_str(), left.c_str());
    }
    std::fputs(text, stdout);
    if (options_.bar && last) std::fputc('\n', stdout);
    std::fflush(stdout);
  }

 private:
  ProgressOptions options_;
  double shown_ = 0;
};

}  // namespace internal

/// A callback for FitOptions::on_step that shows epoch, step, images per second, both losses and the time left: as a
/// bar on a terminal, elsewhere as a plain line every few seconds.
inline std::function<void(const StepReport&)> progress_bar(ProgressOptions options = {
                                                               .bar = internal::is_terminal(stdout)}) {
  return internal::Progress(options);
}

}  // namespace rival
