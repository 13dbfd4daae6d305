#pragma once
// report.html: what every run shows there. Each program adds what it has of its own.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/run.hpp"
#include "common/settings.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/report/frames.hpp"
#include "rival/report/page.hpp"

/// Collects what a report shows beside the losses, and writes them as a page:
///
///     Report report;
///     run.output("report.html", [&](const path& to) {
///       rival::Page page = report.begin("my_gan", run, losses.steps());
///       page.bars(...);
///       report.end(page, run, options, generator, discriminator);
///       page.save(to);
///     });
class Report {
 public:
  /// A picture of the samples, as the bytes of a PNG file. At most sixty are kept, and 3 MB, evenly spread over the
  /// training.
  void frame(long step, std::vector<std::uint8_t> png) { frames_.add({static_cast<double>(step), std::move(png)}); }

  /// Something that went wrong, or may. One that comes again is counted.
  void warn(long step, std::string_view name, std::string_view text);

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

  /// A page with what comes first: warnings, samples, curves.
  rival::Page begin(std::string_view program, const Run& run, const std::vector<rival::StepReport>& steps) const;

  /// What comes last: the settings, but for those in `unused` and those that are off (false, below 0, or 0 and no
  /// seed or label), and what the networks are made of.
  void end(rival::Page& page, const Run& run, const Settings& settings, rival::Generator<>& generator,
           rival::Discriminator<>& discriminator, const std::set<std::string_view>& unused = {}) const;

 private:
  struct Counted {
    long first, last, times;
    std::string name, text;
  };
  static constexpr std::size_t most_warnings = 100;

  std::vector<rival::Warning> warnings() const;

  rival::Frames frames_;
  std::vector<Counted> warnings_;
};
