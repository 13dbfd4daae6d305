#pragma once
// classification_accuracy: what a classifier learns from samples about real ones.

#include <algorithm>
#include <cstdint>

#include "rival/core/random.hpp"
#include "rival/data/dataset.hpp"
#include "rival/optim/schedule.hpp"
#include "rival/train/evaluate.hpp"
#include "rival/train/make_classifier.hpp"
#include "rival/train/supervised_trainer.hpp"

namespace rival {

/// How the classifier is trained.
struct ClassificationAccuracyOptions {
  Index steps = 2000;           ///< of training
  Index batch = 64;             ///< samples in a step
  Index width = 8;              ///< of make_classifier
  double learning_rate = 2e-3;  ///< of Adam at the first step; it falls to 0 by a cosine
  std::uint64_t seed = 0;       ///< of the classifier's weights and of the order of the samples
};

/// The classification accuracy score: the share of the real samples `test` whose class a classifier knows that was
/// trained on the labelled `samples` alone; 1 is best. It falls both for samples that are not of their class and for
/// kinds of real ones that are missing. Beside it belongs the score of as many real samples. (Ravuri and Vinyals,
/// "Classification accuracy score for conditional generative models", 2019, who take a ResNet-50 for it; here it is
/// make_classifier's network, by Adam whose rate falls by a cosine.) Throws Error for samples without labels, of fewer
/// than two classes, and of other shapes or fewer classes than `test`.
template <class S = float>
double classification_accuracy(const Dataset& samples, const Dataset& test,
                               const ClassificationAccuracyOptions& o = {}) {
  require(samples.size() >= 1 && samples.has_labels() && samples.classes() >= 2,
          "classification accuracy: expected labelled samples of at least two classes, got ", samples.size(), " of ",
          samples.classes());
  require(test.size() >= 1 && test.has_labels() && test.sample_shape() == samples.sample_shape() &&
              test.classes() <= samples.classes(),
          "classification accuracy: expected labelled samples of ", samples.sample_shape(), " and at most ",
          samples.classes(), " classes to test with, got ", test.size(), " of ", test.sample_shape(), " and ",
          test.classes(), " classes");
  require(o.steps >= 1 && o.batch >= 1, "classification accuracy: expected at least 1 step and a batch of at least 1, ",
          "got ", o.steps, " and ", o.batch);
  const Random random = Random(o.seed).stream("classification accuracy");
  Classifier<S> classifier = make_classifier<S>(samples.sample_shape(), samples.classes(), o.width, random);
  SupervisedTrainer<S> trainer(
      classifier, {.batch = std::min(o.batch, samples.size()),
                   .optimizer = AdamOptions{.learning_rate = o.learning_rate,
                                            .schedule = over_run([](long steps) { return cosine({.steps = steps}); })},
                   .seed = o.seed});
  const Index in_an_epoch = samples.size() / std::min(o.batch, samples.size());
  trainer.fit(samples, {.epochs = o.steps / in_an_epoch + 1, .steps = o.steps});
  return evaluate(classifier, test).accuracy();
}

}  // namespace rival
