#pragma once
// AdversarialTrainer: trains a generator and a discriminator against each other.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "rival/data/loader.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/loss/adversarial.hpp"
#include "rival/optim/make_optimizer.hpp"

namespace rival {

/// Thrown when a loss becomes NaN or infinite.
class Diverged : public Error {
 public:
  using Error::Error;
};

template <class S = float>
struct TrainerOptions {
  AdversarialLoss<S> loss = non_saturating<S>();
  Index batch = 64;
  /// Updates of the discriminator for each one of the generator, each on a new batch.
  int discriminator_steps = 1;
  OptimizerOptions generator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  OptimizerOptions discriminator_optimizer = AdamOptions{.learning_rate = 2e-4, .beta1 = 0.5};
  /// Of the latent vectors and the order of the data.
  std::uint64_t seed = 0;
};

/// What one training step saw, before its updates. Scores are logits.
struct StepReport {
  long step = 0;                  ///< counted from 1, over all calls
  double discriminator_loss = 0;
  double generator_loss = 0;
  double real_score = 0;          ///< mean score of the real batch
  double fake_score = 0;          ///< mean score of the generated batch
  double accuracy = 0;            ///< share of both batches that the discriminator tells apart

  // Where `fit` stands; zero when a step is called by itself.
  Index epoch = 0;                ///< counted from 1
  Index epochs = 0;
  long steps_in_all = 0;          ///< of this call of fit
  long steps_done = 0;
  double seconds = 0;             ///< since fit began
  double images_per_second = 0;   ///< real images, since fit began
};

struct FitOptions {
  Index epochs = 1;
  long steps = 0;  ///< stop after so many, if not 0
  std::function<void(const StepReport&)> on_step = {};
  std::function<void(const StepReport&)> on_epoch = {};  ///< with the epoch's last step
};

/// Each step trains the discriminator on a real and a generated batch, then the generator through the discriminator
/// (Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1).
///
/// The networks stay the caller's and must outlive the trainer. From the same seed and weights come the same bits, for any
/// number of threads; a warm step allocates no memory.
template <class S = float>
class AdversarialTrainer {
 public:
  /// Throws Error when the generator's samples are not what the discriminator scores, and for options out of range.
  AdversarialTrainer(Generator<S>& generator, Discriminator<S>& discriminator, TrainerOptions<S> options = {})
      : generator_(generator),
        discriminator_(discriminator),
        options_(std::move(options)),
        generator_optimizer_(make_optimizer(generator.parameters(), options_.generator_optimizer)),
        discriminator_optimizer_(make_optimizer(discriminator.parameters(), options_.discriminator_optimizer)),
        latents_(Random(options_.seed).stream("latent")) {
    require(generator.output_shape() == discriminator.input_shape(), "trainer: the generator makes samples of ",
            generator.output_shape(), ", the discriminator scores samples of ", discriminator.input_shape());
    require(options_.loss.discriminator && options_.loss.generator, "trainer: expected a loss with both of its functions");
    require_weights(generator);
    require_weights(discriminator);
    require(options_.batch >= 1, "trainer: expected a batch of at least 1, got ", options_.batch);
    require(options_.discriminator_steps >= 1, "trainer: expected at least 1 discriminator step, got ",
            options_.discriminator_steps);
  }

  /// Trains for so many epochs, shuffled, in full batches. Throws Error when the images do not fit the networks, and Diverged
  /// when a loss is not finite, before the update that it would make.
  void fit(const ImageDataset& data, const FitOptions& fit = {}) {
    require(data.sample_shape() == discriminator_.input_shape(), "trainer: the networks are made for images of ",
            discriminator_.input_shape(), ", the data set has images of ", data.sample_shape());
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
      const auto next = [&]() -> const Tensor<S>& {
        loader.next(real_images_);
        return real_images_;
      };
      report = run(next);
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

  /// One training step on real images {N, ...}, with latent vectors of the trainer's own stream.
  StepReport step(const Tensor<S>& real) {
    return run([&]() -> const Tensor<S>& { return real; });
  }

  /// One training step on real images and given latent vectors {N, latent}: one discriminator step and one generator step.
  StepReport step(const Tensor<S>& real, const Tensor<S>& latent) {
    StepReport report;
    parallel_scope(discriminator_.work(real.dim(0)), [&] {
      discriminator_step(real, latent, report);
      generator_step(real, report);
    });
    return report;
  }

  Optimizer<S>& generator_optimizer() { return *generator_optimizer_; }
  Optimizer<S>& discriminator_optimizer() { return *discriminator_optimizer_; }
  const TrainerOptions<S>& options() const { return options_; }

 private:
  template <class NextBatch>
  StepReport run(const NextBatch& next_batch) {
    StepReport report;
    for (int k = 1; k <= options_.discriminator_steps; ++k) {
      const Tensor<S>& real = next_batch();
      parallel_scope(discriminator_.work(real.dim(0)), [&] {
        latent_.resize({real.dim(0), generator_.latent()});
        latents_.fill_normal(latent_);
        discriminator_step(real, latent_, report);
        if (k == options_.discriminator_steps) generator_step(real, report);
      });
    }
    return report;
  }

  void discriminator_step(const Tensor<S>& real, const Tensor<S>& latent, StepReport& report) {
    fake_images_ = &generator_.forward(latent, latent_trace_);
    const Tensor<S>& real_scores = discriminator_.forward(real, real_trace_);
    const Tensor<S>& fake_scores = discriminator_.forward(*fake_images_, fake_trace_);
    const S loss = options_.loss.discriminator(real_scores, fake_scores, dreal_, dfake_);
    report.step = steps_ + 1;
    report.discriminator_loss = loss;
    report.real_score = real_scores.array().mean();
    report.fake_score = fake_scores.array().mean();
    report.accuracy = static_cast<double>((real_scores.array() > S(0)).count() + (fake_scores.array() < S(0)).count()) /
                      static_cast<double>(real_scores.size() + fake_scores.size());
    require_finite(loss, "discriminator");
    discriminator_.backward(real_trace_, dreal_, {.parameters = true});
    discriminator_.backward(fake_trace_, dfake_, {.parameters = true});
    discriminator_optimizer_->step();
  }

  /// On the generated batch of the discriminator step before, scored by the discriminator as it is now.
  void generator_step(const Tensor<S>& real, StepReport& report) {
    const Tensor<S>& fake_scores = discriminator_.forward(*fake_images_, fake_trace_);
    const Tensor<S>& real_scores =
        options_.loss.generator_needs_real ? discriminator_.forward(real, real_trace_) : no_scores_;
    const S loss = options_.loss.generator(real_scores, fake_scores, dfake_);
    report.generator_loss = loss;
    require_finite(loss, "generator");
    const Tensor<S>& dimages = discriminator_.backward(fake_trace_, dfake_, {.input = true});
    generator_.backward(latent_trace_, dimages, {.parameters = true});
    generator_optimizer_->step();
    ++steps_;
  }

  /// A network whose weights are all zero would train to nothing without a word.
  static void require_weights(Network<S>& network) {
    bool zero = false;
    for (const auto* parameter : network.parameters()) {
      if (parameter->value.rank() < 2) continue;
      if ((parameter->value.array() != S(0)).any()) return;
      zero = true;
    }
    require(!zero, "trainer: expected weights in network \"", network.name(), "\", got zeros; call its initialise() first");
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
  Random latents_;
  long steps_ = 0;
  int fits_ = 0;
  bool stopped_ = false;

  // What a step works on; kept so that the next one allocates nothing.
  Tensor<S> real_images_, latent_, dreal_, dfake_, no_scores_;
  const Tensor<S>* fake_images_ = nullptr;
  Trace<S> latent_trace_, real_trace_, fake_trace_;
};

}  // namespace rival
