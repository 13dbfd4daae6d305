#include "judge.hpp"

#include <algorithm>
#include <numeric>

#include "rival/data/distortion.hpp"
#include "rival/metrics/class_score.hpp"
#include "rival/optim/schedule.hpp"
#include "rival/train/evaluate.hpp"
#include "rival/train/make_classifier.hpp"
#include "rival/train/refresh_statistics.hpp"
#include "rival/train/supervised_trainer.hpp"

Judge::Judge(const Spectrograms& spectrograms, const rival::Dataset& train, const rival::Dataset& held_out,
             std::uint64_t seed, rival::Index epochs)
    : classifier_(rival::make_classifier<>(spectrograms.shape(), train.classes(), 12, rival::Random(seed))) {
  rival::SupervisedTrainer<> trainer(
      classifier_,
      {.batch = std::min<rival::Index>(64, train.size()),
       .label_smoothing = 0.05,
       .augment = rival::Distortion<>({.shift = 2, .scale = 1.1, .stretch = 1.1, .noise = 0.1, .fill = -1}),
       .optimizer = rival::AdamOptions{.learning_rate = 2e-3, .schedule = rival::over_run([](long steps) {
                                                                return rival::cosine({.steps = steps});
                                                              })},
       .seed = seed});
  const rival::Dataset pictures = spectrograms(train), unseen = spectrograms(held_out);
  trainer.fit(pictures, {.epochs = epochs});
  rival::refresh_statistics(classifier_, pictures, rival::Random(seed).stream("statistics"));
  const auto found = rival::evaluate(classifier_, unseen);
  accuracy_ = 1 - static_cast<double>(found.wrong) / static_cast<double>(unseen.size());
  rival::Tensor<float> all;
  std::vector<rival::Index> which(static_cast<std::size_t>(unseen.size()));
  std::iota(which.begin(), which.end(), 0);
  unseen.gather(which, all);
  real_score_ = rival::class_score(classifier_.logits(all), 1).mean;
}

Judge::Verdict Judge::operator()(const rival::Tensor<float>& spectrograms,
                                 const std::vector<rival::Label>& labels) const {
  const auto logits = classifier_.logits(spectrograms);
  Verdict verdict{spectrograms.dim(0), rival::class_score(logits, 1).mean, {}};
  const auto heard = rival::predicted_classes(logits);
  rival::Index same = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) same += labels[i] == heard[i];
  if (!labels.empty()) verdict.agreement = static_cast<double>(same) / static_cast<double>(labels.size());
  return verdict;
}

std::string Judge::describe(const Verdict& v) const {
  rival::internal::TextStream text;
  text.precision(4);
  text << "judge: inception score " << v.score << " of " << v.samples << " generated sounds, " << real_score_
       << " of those held out (" << 100 * v.score / real_score_ << " %)";
  if (v.agreement) text << "; " << 100 * *v.agreement << " % are heard as the class that was asked for";
  text << "; it names " << 100 * accuracy_ << " % of those held out";
  return text.str();
}
