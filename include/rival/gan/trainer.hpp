#pragma once
// AdversarialTrainer: trains a generator and a discriminator against each other.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rival/data/loader.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/heads.hpp"
#include "rival/gan/penalised_backward.hpp"
#include "rival/gan/trainer_options.hpp"
#include "rival/loss/feature_matching.hpp"
#include "rival/optim/clipping.hpp"

namespace rival {

/// Thrown when a loss becomes NaN or infinite.
class Diverged : public Error {
 public:
  using Error::Error;
};

/// Each step trains the discriminator on a real and a generated batch, then the generator through the discriminator
/// (Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1).
///
/// The networks stay the caller's and must outlive the trainer. From the same seed and weights come the same bits, for
/// any number of threads; a warm step allocates no memory.
template <class S = float>
class AdversarialTrainer {
 public:
  /// Throws Error when the generator's samples are not what the discriminator scores, for options out of range, and for
  /// a gradient penalty on a discriminator that holds a layer without tangents, such as batch norm.
  AdversarialTrainer(Generator<S>& generator, Discriminator<S>& discriminator, TrainerOptions<S> options = {})
      : generator_(generator),
        discriminator_(discriminator),
        options_(std::move(options)),
        generator_optimizer_(make_optimizer(generator.parameters(), options_.generator_optimizer)),
        discriminator_optimizer_(make_optimizer(discriminator.parameters(), options_.discriminator_optimizer)),
        penalties_(options_.penalties, options_.seed),
        latents_(Random(options_.seed).stream("latent")),
        classes_(Random(options_.seed).stream("classes")) {
    require(generator.output_shape() == discriminator.input_shape(), "trainer: the generator makes samples of ",
            generator.output_shape(), ", the discriminator scores samples of ", discriminator.input_shape());
    require(options_.loss.discriminator && options_.loss.generator,
            "trainer: expected a loss with both of its functions");
    require_weights(generator);
    require_weights(discriminator);
    require(options_.batch >= 1, "trainer: expected a batch of at least 1, got ", options_.batch);
    require(options_.discriminator_steps >= 1, "trainer: expected at least 1 discriminator step, got ",
            options_.discriminator_steps);
    require(options_.weight_clip >= 0, "trainer: expected weight_clip >= 0, got ", options_.weight_clip);
    require((discriminator.heads() > 0) == static_cast<bool>(options_.auxiliary.loss),
            "trainer: expected an auxiliary loss ", "exactly if the discriminator has heads, got ",
            discriminator.heads(), " heads and ", options_.auxiliary.loss ? "a" : "no", " loss");
    require(options_.labels != LabelSource::drawn || (options_.classes >= 1 && options_.classes <= 256),
            "trainer: expected 1 to 256 classes to draw labels from, got ", options_.classes);
    if (!options_.penalties.empty()) discriminator.curvature();
  }

  /// Trains for so many epochs, shuffled, in full batches. Throws Error when the images do not fit the networks, and
  /// Diverged when a loss is not finite, before the update that it would make.
  void fit(const ImageDataset& data, const FitOptions& fit = {}) {
    require(data.sample_shape() == discriminator_.input_shape(), "trainer: the networks are made for images of ",
            discriminator_.input_shape(), ", the data set has images of ", data.sample_shape());
    require(options_.labels != LabelSource::data || data.has_labels(),
            "trainer: expected a data set with labels, got none");
    require(fit.epochs >= 1, "trainer: expected at least 1 epoch, got ", fit.epochs);
    require(fit.steps >= 0, "trainer: expected steps >= 0, got ", fit.steps);
    // A second call goes on with orders of its own.
    const Random order = Random(options_.seed).stream("data").stream(std::to_string(fits_++));
    Loader<S> loader(data, {.batch = options_.batch}, order);
    const long per_epoch = loader.batches_per_epoch() / options_.discriminator_steps;
    require(per_epoch >= 1, "trainer: ", options_.discriminator_steps, " batches of ", options_.batch,
            " a step are more than the data set of ", data.size(), " images");
    constexpr long most = std::numeric_limits<long>::max();
    const long of_epochs = fit.epochs > most / per_epoch ? most : per_epoch * fit.epochs;
    const long all = fit.steps > 0 ? std::min(fit.steps, of_epochs) : of_epochs;

    stopped_ = false;
    const auto start = std::chrono::steady_clock::now();
    StepReport report;
    for (long done = 1; done <= all && !stopped_; ++done) {
      const Index epoch = (done - 1) / per_epoch + 1;
      while (loader.epoch() + 1 < epoch) loader.next(real_images_);  // the batches that are too few for a step
      report = run([&]() -> Batch {
        if (options_.labels != LabelSource::data)
          loader.next(real_images_);
        else
          loader.next(real_images_, real_labels_);
        return {real_images_, real_labels_};
      });
      report.epoch = epoch;
      report.epochs = fit.epochs;
      report.steps_in_all = all;
      report.steps_done = done;
      report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      report.images_per_second =
          static_cast<double>(done * options_.discriminator_steps * options_.batch) / report.seconds;
      if (fit.on_step) fit.on_step(report);
      if (fit.on_epoch && (done % per_epoch == 0 || done == all || stopped_)) fit.on_epoch(report);
    }
  }

  /// Called from a callback: `fit` returns after the current step.
  void stop() { stopped_ = true; }

  /// One training step on real samples {N, ...} and their labels, with latent vectors of the trainer's own stream. Each
  /// of several discriminator steps takes the same real batch.
  StepReport step(const Tensor<S>& real, Labels labels = {}) {
    return run([&]() -> Batch { return {real, labels}; });
  }

  /// One training step on real samples and given latent vectors {N, latent}: one discriminator step and one generator
  /// step.
  StepReport step(const Tensor<S>& real, const Tensor<S>& latent, Labels labels = {}) {
    StepReport report;
    parallel_scope(discriminator_.work(real.dim(0)), [&] {
      discriminator_step({real, labels}, latent, report);
      generator_step({real, labels}, latent, report);
    });
    return report;
  }

  Optimizer<S>& generator_optimizer() { return *generator_optimizer_; }
  Optimizer<S>& discriminator_optimizer() { return *discriminator_optimizer_; }
  const TrainerOptions<S>& options() const { return options_; }

 private:
  struct Batch {
    const Tensor<S>& images;
    Labels labels;
  };

  template <class NextBatch>
  StepReport run(const NextBatch& next_batch) {
    StepReport report;
    for (int k = 1; k <= options_.discriminator_steps; ++k) {
      const Batch real = next_batch();
      parallel_scope(discriminator_.work(real.images.dim(0)), [&] {
        latent_.resize({real.images.dim(0), generator_.latent()});
        if (options_.draw_latent)
          options_.draw_latent(latent_, latents_);
        else
          latents_.fill_normal(latent_);
        discriminator_step(real, latent_, report);
        if (k == options_.discriminator_steps) generator_step(real, latent_, report);
      });
    }
    return report;
  }

  void discriminator_step(const Batch& real, const Tensor<S>& latent, StepReport& report) {
    draw_labels(real);
    fake_images_ = &generator_.forward(latent, latent_trace_, fake_labels_);
    const Tensor<S>& real_scores = real_heads_.scores(discriminator_.forward(real.images, real_trace_, real.labels));
    const Tensor<S>& fake_scores = fake_heads_.scores(discriminator_.forward(*fake_images_, fake_trace_, fake_labels_));
    const S loss = options_.loss.discriminator(real_scores, fake_scores, dreal_, dfake_);
    report.step = steps_ + 1;
    report.discriminator_loss = loss;
    report.real_score = real_scores.array().mean();
    report.fake_score = fake_scores.array().mean();
    report.accuracy = static_cast<double>((real_scores.array() > S(0)).count() + (fake_scores.array() < S(0)).count()) /
                      static_cast<double>(real_scores.size() + fake_scores.size());
    const S auxiliary = fake_heads_.loss(options_.auxiliary, fake_labels_, latent);
    const S auxiliary_real =
        options_.auxiliary.on_real ? real_heads_.loss(options_.auxiliary, real.labels, no_latent_) : S(0);
    report.auxiliary_loss = auxiliary;
    require_finite(loss + auxiliary + auxiliary_real, "discriminator");
    const Tensor<S>&dreal = real_heads_.gradient(dreal_, options_.auxiliary.on_real),
          &dfake = fake_heads_.gradient(dfake_, true);
    report.penalty = penalties_.backward(discriminator_, {real.images, real.labels, real_trace_, dreal},
                                         {*fake_images_, fake_labels_, fake_trace_, dfake});
    require_finite(static_cast<S>(report.penalty), "discriminator's penalty");
    discriminator_optimizer_->step();
    if (options_.weight_clip > 0) clip_weights(discriminator_optimizer_->parameters(), options_.weight_clip);
  }

  /// On the generated batch of the discriminator step before, scored by the discriminator as it is now.
  void generator_step(const Batch& real, const Tensor<S>& latent, StepReport& report) {
    const Tensor<S>& fake_scores = fake_heads_.scores(discriminator_.forward(*fake_images_, fake_trace_, fake_labels_));
    const bool needs_real = options_.loss.generator_needs_real || options_.feature_matching > 0;
    const Tensor<S>& real_scores =
        needs_real ? real_heads_.scores(discriminator_.forward(real.images, real_trace_, real.labels)) : no_scores_;
    const Tensor<S>* dimages = nullptr;
    S loss;
    if (const Index layers = options_.feature_matching) {
      loss = feature_matching(discriminator_.features(layers, real_trace_),
                              discriminator_.features(layers, fake_trace_), dfake_);
      require_finite(loss, "generator");
      dimages = &discriminator_.backward_from(layers, fake_trace_, dfake_, {.input = true});
    } else {
      loss = options_.loss.generator(real_scores, fake_scores, dfake_);
      const S auxiliary = fake_heads_.loss(options_.auxiliary, fake_labels_, latent);
      require_finite(loss + auxiliary, "generator");
      dimages = &discriminator_.backward(fake_trace_, fake_heads_.gradient(dfake_, true), {.input = true});
    }
    report.generator_loss = loss;
    generator_.backward(latent_trace_, *dimages, {.parameters = true});
    generator_optimizer_->step();
    ++steps_;
  }

  void draw_labels(const Batch& real) {
    fake_labels_ = real.labels;
    if (options_.labels != LabelSource::drawn) return;
    const auto count = static_cast<std::size_t>(real.images.dim(0));
    uniform_.resize({real.images.dim(0)});
    classes_.fill_uniform(uniform_, S(0), static_cast<S>(options_.classes));
    drawn_labels_.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      drawn_labels_[i] = static_cast<std::uint8_t>(
          std::min(options_.classes - 1, static_cast<Index>(uniform_[static_cast<Index>(i)])));
    fake_labels_ = drawn_labels_;
  }

  /// A network whose weights are all zero would train to nothing without a word.
  static void require_weights(Network<S>& network) {
    bool zero = false;
    for (const auto* parameter : network.parameters()) {
      if (parameter->value.rank() < 2) continue;
      if ((parameter->value.array() != S(0)).any()) return;
      zero = true;
    }
    require(!zero, "trainer: expected weights in network \"", network.name(),
            "\", got zeros; call its initialise() first");
  }

  void require_finite(S loss, const char* whose) const {
    if (!std::isfinite(loss)) [[unlikely]]
      throw Diverged(internal::concatenate("training stopped at step ", steps_ + 1, ": expected a finite loss of the ",
                                           whose, ", got ", loss, "; try a smaller learning rate"));
  }

  Generator<S>& generator_;
  Discriminator<S>& discriminator_;
  TrainerOptions<S> options_;
  std::unique_ptr<Optimizer<S>> generator_optimizer_, discriminator_optimizer_;
  internal::PenalisedBackward<S> penalties_;
  Random latents_, classes_;
  long steps_ = 0;
  int fits_ = 0;
  bool stopped_ = false;

  // What a step works on; kept so that the next one allocates nothing.
  Tensor<S> real_images_, latent_, dreal_, dfake_, uniform_;
  const Tensor<S> no_scores_, no_latent_;
  std::vector<std::uint8_t> real_labels_, drawn_labels_;
  Labels fake_labels_;
  const Tensor<S>* fake_images_ = nullptr;
  Trace<S> latent_trace_, real_trace_, fake_trace_;
  internal::Heads<S> real_heads_, fake_heads_;
};

RIVAL_INSTANTIATE_CLASS(AdversarialTrainer);

}  // namespace rival
