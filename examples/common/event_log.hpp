#pragma once
// --tensorboard: the course of a run as event files, in a folder within --out.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/run.hpp"
#include "rival/gan/trainer_options.hpp"
#include "rival/image/grid.hpp"
#include "rival/io/tensorboard.hpp"
#include "rival/nn/network.hpp"

/// Scalars of some two thousand steps, some fifty pictures, and distributions of weights, as TensorBoard shows them.
/// Nothing is done unless the log is wanted:
///
///     EventLog events(options.out / EventLog::folder, options.tensorboard, run);
///     run.output(EventLog::folder, events.write());
class EventLog {
 public:
  static constexpr const char* folder = "tensorboard";

  /// Begins a file in the folder. What an earlier run left there goes, unless `run` goes on with it.
  EventLog(const std::filesystem::path& path, bool wanted, const Run& run) {
    const long last = run.last().steps_done;
    if (last == 0) remove_earlier(path);
    if (wanted) board_.emplace(path, last > 0 ? last + 1 : 0);
  }

  /// For Run::output, which says when.
  Run::Write write() {
    if (!board_) return {};
    return [this](const std::filesystem::path&) { board_->flush(); };
  }

  void step(const rival::StepReport& r) {
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

  /// A picture of the samples, with the bytes of its PNG file, and how the parameters are distributed. What comes too
  /// often, and weights that take more than a hundredth of the time, are left out.
  void show(long step, const rival::Image& image, const std::vector<std::uint8_t>& png,
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

 private:
  using Clock = std::chrono::steady_clock;

  static void remove_earlier(const std::filesystem::path& path) {
    std::error_code ignored;
    std::vector<std::filesystem::path> earlier;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) earlier.push_back(entry.path());
    for (const auto& file : earlier) std::filesystem::remove(file, ignored);
    if (!earlier.empty() && std::filesystem::is_empty(path, ignored)) std::filesystem::remove(path, ignored);
  }

  std::optional<rival::TensorBoardWriter> board_;
  long steps_in_all_ = 0, next_ = 0;
  const Clock::time_point begin_ = Clock::now();
  Clock::duration spent_{};
};
