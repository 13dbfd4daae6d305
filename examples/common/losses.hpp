#pragma once
// The losses of all steps, as a table and as a picture.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/reports.hpp"
#include "rival/core/file.hpp"
#include "rival/image/curves.hpp"
#include "rival/io/checkpoint.hpp"
#include "rival/train/fit_options.hpp"

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
  void put(rival::CheckpointExtras& extras) const { extras.numbers["losses"] = to_numbers(steps_); }
  void take(const rival::CheckpointExtras& extras) { steps_ = to_reports(extras.numbers.at("losses")); }

  /// The table, a row a step: rows that are new since the last call are appended to the file. If it is not as that call
  /// left it, all are written.
  void write_csv(const std::filesystem::path& path) {
    std::error_code error;
    if (written_ > 0 && std::filesystem::file_size(path, error) == size_ && !error) {
      const std::string text = rows(written_);
      rival::append_to_file(path, text);
      size_ += text.size();
    } else {
      const std::string text = head() + rows(0);
      rival::replace_file(path, text);
      size_ = text.size();
    }
    written_ = steps_.size();
  }

  void write_svg(const std::filesystem::path& path) const {
    if (supervised_) {
      rival::Series loss{"loss", {}};
      for (const auto& s : steps_) loss.y.push_back(s.loss);
      rival::write_curves_svg(path, "Loss", "step", {loss});
      return;
    }
    rival::Series discriminator{"discriminator", {}}, generator{"generator", {}};
    for (const auto& s : steps_) {
      discriminator.y.push_back(s.discriminator_loss);
      generator.y.push_back(s.generator_loss);
    }
    rival::write_curves_svg(path, "Losses", "step", {discriminator, generator});
  }

 private:
  std::string head() const {
    std::string names = supervised_ ? "step,epoch,loss,accuracy"
                                    : "step,epoch,discriminator_loss,generator_loss,real_score,fake_score,accuracy,"
                                      "penalty,auxiliary_loss";
    for (const std::string& name : figures_.names) names += ',' + name;
    return names + '\n';
  }

  std::string rows(std::size_t from) const {
    rival::internal::TextStream csv;
    csv.precision(9);
    for (std::size_t i = from; i < steps_.size(); ++i) {
      const auto& s = steps_[i];
      csv << s.step << ',' << s.epoch << ',';
      if (supervised_)
        csv << s.loss << ',' << s.accuracy;
      else
        csv << s.discriminator_loss << ',' << s.generator_loss << ',' << s.real_score << ',' << s.fake_score << ','
            << s.accuracy << ',' << s.penalty << ',' << s.auxiliary_loss;
      const double* const figures = figures_.at ? figures_.at(s.step) : nullptr;
      for (std::size_t k = 0; k < figures_.names.size(); ++k) {
        csv << ',';
        if (figures) csv << figures[k];
      }
      csv << '\n';
    }
    return csv.str();
  }

  bool supervised_ = false;
  Figures figures_;
  std::vector<rival::StepReport> steps_;
  std::size_t written_ = 0;  ///< steps that the file has
  std::uintmax_t size_ = 0;  ///< of the file, in bytes
};
