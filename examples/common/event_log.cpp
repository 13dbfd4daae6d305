#include "common/event_log.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "rival/image/grid.hpp"
#include "rival/io/tensorboard.hpp"

namespace {

void remove_earlier(const std::filesystem::path& path) {
  std::error_code ignored;
  std::vector<std::filesystem::path> earlier;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) earlier.push_back(entry.path());
  for (const auto& file : earlier) std::filesystem::remove(file, ignored);
  if (!earlier.empty() && std::filesystem::is_empty(path, ignored)) std::filesystem::remove(path, ignored);
}

}  // namespace

EventLog::EventLog(const std::filesystem::path& path, bool wanted, const Run& run) {
  const long last = run.last().steps_done;
  if (last == 0) remove_earlier(path);
  if (wanted) board_ = std::make_unique<rival::TensorBoardWriter>(path, last > 0 ? last + 1 : 0);
}
EventLog::~EventLog() = default;

Run::Write EventLog::write() {
  if (!board_) return {};
  return [this](const std::filesystem::path&) { board_->flush(); };
}

void EventLog::step(const rival::StepReport& r) {
  steps_in_all_ = r.steps_in_all;
  if (!board_ || r.steps_done % std::max(1L, r.steps_in_all / 2000) != 0) return;
  board_->scalars(r.steps_done, {{"loss/discriminator", r.discriminator_loss},
                                 {"loss/generator", r.generator_loss},
                                 {"loss/penalty", r.penalty},
                                 {"loss/auxiliary", r.auxiliary_loss},
                                 {"score/real", r.real_score},
                                 {"score/generated", r.fake_score},
                                 {"accuracy", r.accuracy},
                                 {"images_per_second", r.images_per_second}});
}

void EventLog::show(long step, const rival::Image& image, const std::vector<std::uint8_t>& png,
                    const std::vector<rival::Network<>*>& networks) {
  if (!board_ || step < next_) return;
  next_ = step + std::max(1L, steps_in_all_ / 50);
  board_->image("samples", step, png, image.height, image.width, image.channels);
  const auto begin = Clock::now();
  if (99 * spent_ > begin - begin_) return;
  for (auto* network : networks)
    for (const auto* parameter : network->state().parameters)
      board_->histogram(parameter->name, step, parameter->value);
  spent_ += Clock::now() - begin;
}
