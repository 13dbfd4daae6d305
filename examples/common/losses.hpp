#pragma once
// The losses of all steps, as a table and as a picture.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "rival/train/fit_options.hpp"

namespace rival {
struct CheckpointExtras;
}

class Losses {
 public:
  /// More columns of the table: their names, and what gives their values at a step, or nullptr where there are none.
  struct Figures {
    std::vector<std::string> names = {};
    std::function<const double*(long step)> at = {};
  };

  /// Of a generator and a discriminator, or, `supervised`, of a classifier.
  explicit Losses(bool supervised = false) : supervised_(supervised) {}
  explicit Losses(Figures figures) : figures_(std::move(figures)) {}

  void add(const rival::StepReport& report) { steps_.push_back(report); }

  const std::vector<rival::StepReport>& steps() const { return steps_; }

  /// Into a checkpoint, and out of it.
  void put(rival::CheckpointExtras& extras) const;
  void take(const rival::CheckpointExtras& extras);

  /// The table, a row a step: rows that are new since the last call are appended to the file. If it is not as that call
  /// left it, all are written.
  void write_csv(const std::filesystem::path& path);

  void write_svg(const std::filesystem::path& path) const;

 private:
  std::string head() const;
  std::string rows(std::size_t from) const;

  bool supervised_ = false;
  Figures figures_;
  std::vector<rival::StepReport> steps_;
  std::size_t written_ = 0;  ///< steps that the file has
  std::uintmax_t size_ = 0;  ///< of the file, in bytes
};
