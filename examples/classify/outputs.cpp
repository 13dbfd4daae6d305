#include "outputs.hpp"

#include <algorithm>
#include <cstddef>
#include <iomanip>

#include "rival/nn/summary.hpp"
#include "rival/train/refresh_statistics.hpp"

namespace {

constexpr std::size_t most_mistakes = 100;

std::vector<rival::Index> wrong_ones(const rival::Dataset& test, const rival::Classification& found) {
  std::vector<rival::Index> wrong;
  for (rival::Index i = 0; i < test.size() && wrong.size() < most_mistakes; ++i)
    if (found.predicted[static_cast<std::size_t>(i)] != test.label(i)) wrong.push_back(i);
  return wrong;
}

void write_confusion(std::ostream& text, const Data& data, const rival::Classification& found) {
  const auto classes = static_cast<rival::Index>(data.class_names.size());
  if (classes > 40) return;  // a page is not as wide
  std::size_t width = 6;
  for (const auto& name : data.class_names) width = std::max(width, name.size() + 1);
  const auto column = std::setw(static_cast<int>(width));
  text << "\nclass (row) taken for class (column)\n" << column << "";
  for (const auto& name : data.class_names) text << column << name;
  for (rival::Index row = 0; row < classes; ++row) {
    text << '\n' << column << data.class_names[static_cast<std::size_t>(row)];
    for (rival::Index of = 0; of < classes; ++of) {
      const auto count = found.count(static_cast<rival::Label>(row), static_cast<rival::Label>(of));
      if (count > 0)
        text << column << count;
      else
        text << column << '.';
    }
  }
  text << '\n';
}

}  // namespace

void Result::refresh(long step) {
  if (step == step_) return;
  classifier_ = averaged_;
  rival::refresh_statistics(classifier_, data_.train, random_);
  errors_ = rival::evaluate(classifier_, data_.test);
  step_ = step;
}

const rival::Classifier<>& Result::classifier(long step) {
  refresh(step);
  return classifier_;
}
const rival::Classification& Result::errors(long step) {
  refresh(step);
  return errors_;
}

void Result::add_epoch(const rival::StepReport& report) { epochs_.push_back(errors(report.steps_done).error()); }

void Result::put(rival::CheckpointExtras& extras) const {
  rival::Tensor<double> errors({static_cast<rival::Index>(epochs_.size())});
  std::copy(epochs_.begin(), epochs_.end(), errors.data());
  extras.numbers["test errors"] = errors;
}
void Result::take(const rival::CheckpointExtras& extras) {
  const rival::Tensor<double>& errors = extras.numbers.at("test errors");
  epochs_.assign(errors.data(), errors.data() + errors.size());
}

std::string describe(const Options& o, const Run& run, const Data& data, Result& result) {
  const rival::StepReport& last = run.last();
  const rival::Classification& found = result.errors(last.steps_done);
  rival::internal::TextStream text;
  text << "width " << o.width << ", batch " << o.batch << ", Adam learning rate " << o.learning_rate
       << ", label smoothing " << o.label_smoothing << ", seed " << o.seed << ", threads " << rival::threads() << '\n';
  if (data.train.sample_shape().rank() == 3) {
    const char* between = "pictures changed by: ";
    rival::DistortionOptions::each(o.distortion, [&]<class T>(const char* name, const T& value) {
      if constexpr (std::is_same_v<T, double>) text << std::exchange(between, ", ") << name << ' ' << value;
    });
    text << '\n';
  }
  text << "\nsteps " << last.steps_done << " of " << last.steps_in_all << run.state() << ", epochs " << last.epoch
       << ", seconds " << last.seconds << ", images/s " << last.images_per_second << "\n"
       << "last step: loss " << last.loss << ", accuracy " << last.accuracy << "\n\n"
       << "training samples " << data.train.size() << ", test samples " << data.test.size() << ", classes "
       << data.class_names.size() << "\n"
       << "test error " << 100 * found.error() << " % (" << found.wrong << " wrong), loss " << found.loss << '\n'
       << "test error in % after each epoch:";
  for (const double error : result.epochs()) text << ' ' << 100 * error;
  text << '\n';
  write_confusion(text, data, found);
  const auto wrong = wrong_ones(data.test, found);
  if (!wrong.empty()) text << "\nwrong test samples (the first " << wrong.size() << "): number, class, taken for\n";
  for (const auto i : wrong)
    text << std::setw(8) << i << std::setw(8) << data.class_names[data.test.label(i)] << std::setw(8)
         << data.class_names[found.predicted[static_cast<std::size_t>(i)]] << '\n';
  rival::Classifier<> classifier = result.classifier(last.steps_done);
  text << '\n' << rival::summary(classifier);
  return text.str();
}

rival::Image mistakes(const rival::Dataset& test, const rival::Classification& found) {
  const auto wrong = wrong_ones(test, found);
  if (wrong.empty()) return {1, 1, 1, {0}};
  rival::Tensor<float> pictures;
  test.gather(wrong, pictures);
  return rival::grid(pictures, {.columns = 10, .scale = 2});
}
