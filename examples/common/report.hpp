#pragma once
// report.html: what every run shows there. Each program adds what it has of its own.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/run.hpp"
#include "common/settings.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/report/frames.hpp"
#include "rival/report/network_table.hpp"
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
  void warn(long step, std::string_view name, std::string_view text) {
    const auto same = [&](const Counted& one) { return one.name == name && one.text == text; };
    const auto found = std::find_if(warnings_.begin(), warnings_.end(), same);
    if (found == warnings_.end() && warnings_.size() < most_warnings)
      warnings_.push_back({step, step, 1, std::string(name), std::string(text)});
    else if (found != warnings_.end())
      found->last = step, ++found->times;
  }

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const {
    const auto& [kept, offered, stride, newest_extra] = frames_.state();
    nlohmann::ordered_json all{{"offered", offered}, {"stride", stride}, {"newest_extra", newest_extra}};
    rival::Index size = 0;
    for (const rival::Frame& frame : kept) {
      all["frames"].push_back({{"step", frame.step}, {"bytes", frame.png.size()}});
      size += static_cast<rival::Index>(frame.png.size());
    }
    for (const auto& [first, last, times, name, text] : warnings_)
      all["warnings"].push_back({{"first", first}, {"last", last}, {"times", times}, {"name", name}, {"text", text}});
    rival::Tensor<std::uint8_t> bytes({size});
    auto* to = bytes.data();
    for (const rival::Frame& frame : kept) to = std::copy(frame.png.begin(), frame.png.end(), to);
    extras.texts["report"] = all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    extras.bytes["report frames"] = std::move(bytes);
  }
  void take(const rival::CheckpointExtras& extras) {
    const auto all = nlohmann::ordered_json::parse(extras.texts.at("report"));
    rival::Frames::State state{{}, all.at("offered"), all.at("stride"), all.at("newest_extra")};
    const rival::Tensor<std::uint8_t>& bytes = extras.bytes.at("report frames");
    const auto *from = bytes.data(), *const all_end = from + bytes.size();
    for (const auto& frame : all.value("frames", nlohmann::ordered_json::array())) {
      const auto length = frame.at("bytes").get<std::ptrdiff_t>();
      rival::require(length >= 0 && length <= all_end - from, "report: expected pictures of ", bytes.size(),
                     " bytes in all, got more");
      const auto* const end = from + length;
      state.kept.push_back({frame.at("step"), {from, end}});
      from = end;
    }
    frames_.set_state(std::move(state));
    warnings_.clear();
    for (const auto& one : all.value("warnings", nlohmann::ordered_json::array()))
      warnings_.push_back({one.at("first"), one.at("last"), one.at("times"), one.at("name"), one.at("text")});
  }

  /// A page with what comes first: warnings, samples, curves.
  rival::Page begin(std::string_view program, const Run& run, const std::vector<rival::StepReport>& steps) const {
    using rival::internal::concatenate, rival::internal::grouped;
    const auto& last = run.last();
    rival::Page page(program, concatenate("step ", grouped(last.steps_done), " of ", grouped(last.steps_in_all),
                                          run.state(), run.running() ? "; reload to see more" : ""));
    page.warnings("Warnings", warnings());
    page.frames("Samples", frames_.all());
    using Number = double rival::StepReport::*;
    const auto curves = [&](std::string_view title, const std::vector<std::pair<const char*, Number>>& numbers,
                            bool only_if_any = false) {
      std::vector<rival::Series> all;
      bool any = !only_if_any;
      for (const auto& [name, number] : numbers) {
        rival::Series series{name, {}};
        for (const auto& step : steps) {
          series.x.push_back(static_cast<double>(step.step));
          series.y.push_back(step.*number);
          any = any || step.*number != 0;
        }
        all.push_back(std::move(series));
      }
      if (any && !steps.empty()) page.curves(title, "step", all);
    };
    using R = rival::StepReport;
    curves("Losses", {{"discriminator", &R::discriminator_loss}, {"generator", &R::generator_loss}});
    curves("Mean scores", {{"of real samples", &R::real_score}, {"of generated ones", &R::fake_score}});
    curves("Accuracy of the discriminator", {{"real scores above 0, generated ones below", &R::accuracy}});
    curves("Gradient penalty", {{"penalty", &R::penalty}}, true);
    curves("Auxiliary loss", {{"auxiliary loss", &R::auxiliary_loss}}, true);
    curves("Speed", {{"images/s", &R::images_per_second}});
    return page;
  }

  /// What comes last: the settings, but for those in `unused` and those that are off (false, below 0, or 0 and no
  /// seed or label), and what the networks are made of.
  template <class Options>
  void end(rival::Page& page, const Run& run, const Options& options, rival::Generator<>& generator,
           rival::Discriminator<>& discriminator, const std::set<std::string_view>& unused = {}) const {
    using rival::internal::concatenate;
    std::vector<std::vector<std::string>> settings;
    const auto put = [&](const std::string_view name, const auto& value) {
      const nlohmann::ordered_json json = internal::setting(value);
      const std::string text = json.is_string() ? json.get<std::string>() : json.dump();
      const bool off =
          text.empty() || text == "false" || text == "-1" || (text == "0" && name != "--seed" && name != "--label");
      if (!off && !unused.contains(name)) settings.push_back({std::string(name), text});
    };
    Options::each(options, put, put);
    settings.push_back({"threads", std::to_string(rival::threads())});
    settings.push_back({"seconds", concatenate(std::round(10 * run.last().seconds) / 10)});
    page.table("Settings", {}, settings);
    rival::add_network_table(page, "Generator", generator);
    rival::add_network_table(page, "Discriminator", discriminator);
  }

 private:
  struct Counted {
    long first, last, times;
    std::string name, text;
  };
  static constexpr std::size_t most_warnings = 100;

  std::vector<rival::Warning> warnings() const {
    std::vector<rival::Warning> all;
    for (const auto& [first, last, times, name, text] : warnings_)
      all.push_back({static_cast<double>(first), name,
                     times == 1 ? text
                                : rival::internal::concatenate(text, " (", times, " times, last at step ",
                                                               rival::internal::grouped(last), ')')});
    return all;
  }

  rival::Frames frames_;
  std::vector<Counted> warnings_;
};
