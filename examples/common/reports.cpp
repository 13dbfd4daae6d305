#include "common/reports.hpp"

#include <type_traits>

namespace {

/// Calls f with each number of the report, in one order.
template <class Report, class F>
void each_number(Report& r, const F& f) {
  f(r.step), f(r.supervised), f(r.loss), f(r.discriminator_loss), f(r.generator_loss), f(r.penalty),
      f(r.auxiliary_loss), f(r.real_score), f(r.fake_score), f(r.accuracy), f(r.epoch), f(r.epochs), f(r.steps_in_all),
      f(r.steps_done), f(r.seconds), f(r.images_per_second);
}

}  // namespace

rival::Tensor<double> to_numbers(const std::vector<rival::StepReport>& reports) {
  rival::Index columns = 0, place = 0;
  const rival::StepReport any;
  each_number(any, [&](const auto&) { ++columns; });
  rival::Tensor<double> numbers({static_cast<rival::Index>(reports.size()), columns});
  for (const auto& report : reports)
    each_number(report, [&](const auto& value) { numbers[place++] = static_cast<double>(value); });
  return numbers;
}

std::vector<rival::StepReport> to_reports(const rival::Tensor<double>& numbers) {
  std::vector<rival::StepReport> reports(static_cast<std::size_t>(numbers.dim(0)));
  rival::Index place = 0;
  for (auto& report : reports)
    each_number(report,
                [&](auto& value) { value = static_cast<std::remove_cvref_t<decltype(value)>>(numbers[place++]); });
  return reports;
}
