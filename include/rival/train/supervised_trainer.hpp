#pragma once
// SupervisedTrainer: trains a classifier on labelled samples.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "rival/core/random.hpp"
#include "rival/loss/supervised.hpp"
#include "rival/optim/make_optimizer.hpp"
#include "rival/optim/moving_average.hpp"
#include "rival/train/classifier.hpp"
#include "rival/train/fit_loop.hpp"
#include "rival/train/whole_step.hpp"

namespace rival {

struct CheckpointExtras;  // in rival/io/checkpoint.hpp

/// What a SupervisedTrainer does in a step, and with which numbers.
template <class S = float>
struct SupervisedOptions {
  Index batch = 64;            ///< samples in a step
  double label_smoothing = 0;  ///< of softmax_cross_entropy
  /// Makes of samples {N, ...} the changed ones that the classifier is trained on, as a Distortion does; the samples as
  /// they are if empty.
  std::function<void(const Tensor<S>& samples, Tensor<S>& changed, Random& random)> augment = {};
  /// Of the optimiser; their type says which one it is.
  OptimizerOptions optimizer = AdamOptions{};
  /// If given: the trainer keeps a moving average of the classifier's weights; its `batch` is this one's.
  std::optional<MovingAverageOptions> average = {};
  /// How many steps the training will have, for schedules over the run; `fit` finds out by itself.
  long steps = 0;
  /// Of the order of the data and of `augment`.
  std::uint64_t seed = 0;
};

/// What a SupervisedTrainer remembers from step to step beside classifier, optimiser and average.
struct SupervisedState : FitState {
  Random::Position augment;  ///< of what `augment` draws

  friend bool operator==(const SupervisedState&, const SupervisedState&) = default;
};

/// Each step lowers the softmax cross-entropy of a batch.
///
///     rival::SupervisedTrainer<> trainer(classifier, {.batch = 64, .seed = 1});
///     trainer.fit(digits, {.epochs = 5, .on_step = rival::progress_bar()});
///     rival::save(trainer.averaged_classifier(), "classifier.safetensors");
///
/// The classifier stays the caller's and must outlive the trainer. From the same seed and weights come the same bits,
/// for any number of threads; a warm step allocates no memory. A step that throws (Diverged, an Error, whatever
/// `augment` throws) leaves all as it was before it, and gradients zero.
template <class S = float>
class SupervisedTrainer {
 public:
  /// Throws Error for options out of range, and for a classifier whose weights are all zero.
  explicit SupervisedTrainer(Classifier<S>& classifier, SupervisedOptions<S> options = {})
      : classifier_(classifier),
        options_(std::move(options)),
        optimizer_(make_optimizer(classifier.parameters(), options_.optimizer)),
        augment_(Random(options_.seed).stream("augment")),
        whole_step_({&classifier}, {optimizer_.get()}) {
    const auto& o = options_;
    internal::require_weights(classifier);
    require(o.batch >= 1, "trainer: expected a batch of at least 1, got ", o.batch);
    require(o.steps >= 0, "trainer: expected steps >= 0, got ", o.steps);
    require(o.label_smoothing >= 0 && o.label_smoothing < 1, "trainer: expected 0 <= label_smoothing < 1, got ",
            o.label_smoothing);
    if (options_.average) {
      options_.average->batch = options_.batch;
      average_.emplace(classifier);
      moving_.emplace(average_->state(), classifier.state(), *options_.average);
    }
    optimizer_->set_run(options_.steps);
  }
  SupervisedTrainer(const SupervisedTrainer&) = delete;
  SupervisedTrainer& operator=(const SupervisedTrainer&) = delete;

  /// Trains for so many epochs, shuffled, in full batches. Throws Error when the samples or their labels do not fit the
  /// classifier, and Diverged when a loss is not finite; `fit` with `.resume` then goes on from the last good step.
  /// `.resume` with another data set throws Error.
  void fit(const Dataset& data, const FitOptions& fit = {});

  /// Called from a callback: `fit` returns after the current step.
  void stop() { loop_.stop(); }

  /// One training step on samples {N, ...} and their labels. The report says what it saw before the update.
  StepReport step(const Tensor<S>& samples, Labels labels);

  /// The classifier to use: the moving average, if the options ask for one, otherwise the classifier itself.
  const Classifier<S>& averaged_classifier() const { return average_ ? *average_ : classifier_; }
  /// For those who set the average's weights, such as a checkpoint. Throws Error when there is none.
  Classifier<S>& average() {
    require(average_.has_value(), "trainer: expected options with an average, got none");
    return *average_;
  }

  /// Writes a checkpoint: all that it takes to go on, bit for bit, in another process and with any number of threads.
  /// `extras` come beside. Needs rival/io/checkpoint.hpp, which says what is in the file (rival::json). Throws Error,
  /// and leaves an earlier file as it was, when it cannot be written.
  template <class Extras = CheckpointExtras>
  void save(const std::filesystem::path& path, const Extras& extras = {});
  /// Goes on from a checkpoint, and returns the extras in it; then `fit` with `.resume`, or the next `step`. Throws
  /// Error, and leaves trainer and classifier as they were, for a file that is damaged, and when it is of another
  /// classifier, other options or another version: a line for each difference. Needs rival/io/checkpoint.hpp.
  template <class Extras = CheckpointExtras>
  Extras load(const std::filesystem::path& path);

  /// What it takes to go on, beside classifier, optimiser and average.
  SupervisedState state() const {
    SupervisedState state{at_, augment_.position()};
    state.run = optimizer_->run();
    state.average_steps = moving_ ? moving_->steps() : 0;
    return state;
  }
  /// Goes on from there. Throws Error, and changes nothing, for numbers that no trainer has.
  void set_state(const SupervisedState& state) {
    internal::require_state(state);
    at_ = state;
    optimizer_->set_run(state.run);
    if (moving_) moving_->set_steps(state.average_steps);
    augment_ = Random(state.augment);
  }

  /// The classifier that it trains, as the last step left it.
  Classifier<S>& classifier() { return classifier_; }
  /// The optimiser of the classifier's weights.
  Optimizer<S>& optimizer() { return *optimizer_; }
  /// The options that it was made with.
  const SupervisedOptions<S>& options() const { return options_; }

 private:
  template <class NextBatch>
  StepReport run(const NextBatch& next_batch) {
    return whole_step_.run(*this, [&](StepReport& report) {
      const internal::Batch<S> batch = next_batch();
      internal::require_batch(classifier_, batch);
      parallel_scope(classifier_.work(batch.images.dim(0)), [&] { whole_step(batch, report); });
    });
  }

  void whole_step(const internal::Batch<S>& batch, StepReport& report) {
    const Tensor<S>* samples = &batch.images;
    if (options_.augment) {
      options_.augment(batch.images, changed_, augment_);
      require(changed_.shape() == batch.images.shape(), "trainer: expected `augment` to make samples of ",
              batch.images.shape(), ", got ", changed_.shape());
      samples = &changed_;
    }
    const Tensor<S>& logits = classifier_.forward(*samples, trace_);
    softmax_cross_entropy(logits, batch.labels, loss_, options_.label_smoothing);
    report.step = at_.steps + 1;
    report.supervised = true;
    report.loss = loss_.value;
    report.accuracy = share_found(logits, batch.labels);
    internal::require_finite_loss(loss_.value, "classifier", report.step);
    classifier_.backward(trace_, loss_.gradient, {.parameters = true});
    if (moving_) moving_->check_sizes();
    optimizer_->step();  // the last thing that may throw, and then changes nothing
    if (moving_) moving_->update();
    ++at_.steps;
  }

  /// Of the samples whose greatest logit is that of their class.
  static double share_found(const Tensor<S>& logits, Labels labels) {
    const Index rows = logits.rows(), classes = logits.cols();
    Index found = 0;
    for (Index i = 0; i < rows; ++i) {
      const S* x = logits.data() + i * classes;
      found += std::max_element(x, x + classes) - x == labels[static_cast<std::size_t>(i)];
    }
    return static_cast<double>(found) / static_cast<double>(rows);
  }

  Classifier<S>& classifier_;
  SupervisedOptions<S> options_;
  std::unique_ptr<Optimizer<S>> optimizer_;
  Random augment_;
  internal::WholeStep<S> whole_step_;
  std::optional<Classifier<S>> average_;
  std::optional<MovingAverage<S>> moving_;
  FitState at_;
  internal::FitLoop<S> loop_;

  // What a step works on; kept so that the next one allocates nothing.
  Tensor<S> changed_;
  Trace<S> trace_;
  Loss<S> loss_;
};

// Outside of the class, and so not inline: where they are compiled once (core/instantiate.hpp), no other file compiles
// what they call.

template <class S>
void SupervisedTrainer<S>::fit(const Dataset& data, const FitOptions& fit) {
  require(data.classes() <= classifier_.classes(), "trainer: the classifier tells ", classifier_.classes(),
          " classes apart, the data set has ", data.classes());
  const internal::FitPlan plan{
      .batch = options_.batch, .labels = true, .seed = options_.seed, .sample = classifier_.input_shape()};
  loop_.run(
      data, fit, plan, at_, [&](long steps) { optimizer_->set_run(steps); },
      [&](const auto& next_batch) { return run(next_batch); });
}

template <class S>
StepReport SupervisedTrainer<S>::step(const Tensor<S>& samples, Labels labels) {
  return run([&]() -> internal::Batch<S> { return {samples, labels}; });
}

RIVAL_INSTANTIATE_CLASS(SupervisedTrainer);

}  // namespace rival
