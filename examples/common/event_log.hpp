#pragma once
// --tensorboard: the course of a run as event files, in a folder within --out.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/run.hpp"
#include "rival/nn/network.hpp"
#include "rival/train/fit_options.hpp"

namespace rival {
struct Image;
class TensorBoardWriter;
}  // namespace rival

/// Scalars of some two thousand steps, some fifty pictures, and distributions of weights, as TensorBoard shows them.
/// Nothing is done unless the log is wanted:
///
///     EventLog events(options.out / EventLog::folder, options.tensorboard, run);
///     run.output(EventLog::folder, events.write());
class EventLog {
 public:
  static constexpr const char* folder = "tensorboard";

  /// Begins a file in the folder. What an earlier run left there goes, unless `run` goes on with it.
  EventLog(const std::filesystem::path& path, bool wanted, const Run& run);
  ~EventLog();

  /// For Run::output, which says when.
  Run::Write write();

  void step(const rival::StepReport& report);

  /// A picture of the samples, with the bytes of its PNG file, and how the parameters are distributed. What comes too
  /// often, and weights that take more than a hundredth of the time, are left out.
  void show(long step, const rival::Image& image, const std::vector<std::uint8_t>& png,
            const std::vector<rival::Network<>*>& networks);

 private:
  using Clock = std::chrono::steady_clock;

  std::unique_ptr<rival::TensorBoardWriter> board_;
  long steps_in_all_ = 0, next_ = 0;
  const Clock::time_point begin_ = Clock::now();
  Clock::duration spent_{};
};
