#include "common/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "rival/core/parallel.hpp"
#include "rival/report/network_table.hpp"

void Report::warn(long step, std::string_view name, std::string_view text) {
  const auto same = [&](const Counted& one) { return one.name == name && one.text == text; };
  const auto found = std::find_if(warnings_.begin(), warnings_.end(), same);
  if (found == warnings_.end() && warnings_.size() < most_warnings)
    warnings_.push_back({step, step, 1, std::string(name), std::string(text)});
  else if (found != warnings_.end())
    found->last = step, ++found->times;
}

void Report::put(rival::CheckpointExtras& extras) const {
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
void Report::take(const rival::CheckpointExtras& extras) {
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

rival::Page Report::begin(std::string_view program, const Run& run, const std::vector<rival::StepReport>& steps) const {
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

void Report::end(rival::Page& page, const Run& run, const Settings& settings, rival::Generator<>& generator,
                 rival::Discriminator<>& discriminator, const std::set<std::string_view>& unused) const {
  std::vector<std::vector<std::string>> rows;
  for (const Setting& one : settings.all) {
    const std::string_view name = one.name;
    const std::string text = text_of(one.value);
    const bool off =
        text.empty() || text == "false" || text == "-1" || (text == "0" && name != "--seed" && name != "--label");
    if (!off && !unused.contains(name)) rows.push_back({one.name, text});
  }
  rows.push_back({"threads", std::to_string(rival::threads())});
  rows.push_back({"seconds", rival::internal::concatenate(std::round(10 * run.last().seconds) / 10)});
  page.table("Settings", {}, rows);
  rival::add_network_table(page, "Generator", generator);
  rival::add_network_table(page, "Discriminator", discriminator);
}

std::vector<rival::Warning> Report::warnings() const {
  std::vector<rival::Warning> all;
  for (const auto& [first, last, times, name, text] : warnings_)
    all.push_back({static_cast<double>(first), name,
                   times == 1 ? text
                              : rival::internal::concatenate(text, " (", times, " times, last at step ",
                                                             rival::internal::grouped(last), ')')});
  return all;
}
