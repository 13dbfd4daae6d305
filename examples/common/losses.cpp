#include "common/losses.hpp"

#include <system_error>

#include "common/reports.hpp"
#include "rival/core/file.hpp"
#include "rival/image/curves.hpp"
#include "rival/io/checkpoint.hpp"

void Losses::put(rival::CheckpointExtras& extras) const { extras.numbers["losses"] = to_numbers(steps_); }
void Losses::take(const rival::CheckpointExtras& extras) { steps_ = to_reports(extras.numbers.at("losses")); }

void Losses::write_csv(const std::filesystem::path& path) {
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

void Losses::write_svg(const std::filesystem::path& path) const {
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

std::string Losses::head() const {
  std::string names = supervised_ ? "step,epoch,loss,accuracy"
                                  : "step,epoch,discriminator_loss,generator_loss,real_score,fake_score,accuracy,"
                                    "penalty,auxiliary_loss";
  for (const std::string& name : figures_.names) names += ',' + name;
  return names + '\n';
}

std::string Losses::rows(std::size_t from) const {
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
