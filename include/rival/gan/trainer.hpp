#pragma once
// AdversarialTrainer: trains a generator and a discriminator against each other.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/gan/heads.hpp"
#include "rival/gan/penalised_backward.hpp"
#include "rival/gan/trainer_options.hpp"
#include "rival/loss/feature_matching.hpp"
#include "rival/optim/clipping.hpp"
#include "rival/train/fit_loop.hpp"
#include "rival/train/whole_step.hpp"

namespace rival {

struct CheckpointExtras;  // in rival/io/checkpoint.hpp

/// Each step trains the discriminator on a real and a generated batch, then the generator through the discriminator
/// (Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1).
///
/// The networks stay the caller's and must outlive the trainer. From the same seed and weights come the same bits, for
/// any number of threads; a warm step allocates no memory.
///
/// A step that throws (Diverged, an Error, whatever a loss of the caller's throws) leaves networks, optimisers, average
/// and trainer as they were before it, and all gradients zero.
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
        classes_(Random(options_.seed).stream("classes")),
        whole_step_({&generator, &discriminator}, {discriminator_optimizer_.get(), generator_optimizer_.get()}) {
    check_options();
    if (const auto& labelled = options_.labelled)
      labelled_.emplace(labelled->data, LoaderOptions{.batch = labelled->batch},
                        Random(options_.seed).stream("labelled"));
    if (options_.average) {
      options_.average->batch = options_.batch;
      average_.emplace(generator);
      moving_.emplace(average_->state(), generator.state(), *options_.average);
    }
    set_run(options_.steps);
  }
  AdversarialTrainer(const AdversarialTrainer&) = delete;
  AdversarialTrainer& operator=(const AdversarialTrainer&) = delete;

  /// Trains for so many epochs, shuffled, in full batches. Throws Error when the samples do not fit the networks, and
  /// Diverged when a loss is not finite; `fit` with `.resume` then goes on from the last good step. `.resume` with
  /// another data set throws Error.
  void fit(const Dataset& data, const FitOptions& fit = {});

  /// Called from a callback: `fit` returns after the current step.
  void stop() { loop_.stop(); }

  /// One training step on real samples {N, ...} and their labels, with latent vectors of the trainer's own stream. Each
  /// of several discriminator steps takes the same real batch.
  StepReport step(const Tensor<S>& real, Labels labels = {});

  /// One training step on real samples and given latent vectors {N, latent}: one discriminator step and one generator
  /// step.
  StepReport step(const Tensor<S>& real, const Tensor<S>& latent, Labels labels = {});

  /// The generator to sample from: the moving average, if the options ask for one, otherwise the generator itself.
  const Generator<S>& averaged_generator() const { return average_ ? *average_ : generator_; }
  /// For those who set the average's weights, such as a checkpoint. Throws Error when there is none.
  Generator<S>& average() {
    require(average_.has_value(), "trainer: expected options with an average, got none");
    return *average_;
  }

  /// Writes a checkpoint: all that it takes to go on, bit for bit, in another process and with any number of threads.
  /// `extras` come beside. Needs rival/io/checkpoint.hpp, which says what is in the file (rival::json). Throws Error,
  /// and leaves an earlier file as it was, when it cannot be written.
  template <class Extras = CheckpointExtras>
  void save(const std::filesystem::path& path, const Extras& extras = {});
  /// Goes on from a checkpoint, and returns the extras in it; then `fit` with `.resume`, or the next `step`. Throws
  /// Error, and leaves trainer and networks as they were, for a file that is damaged, and when it is of other networks,
  /// options or another version: a line for each difference. Needs rival/io/checkpoint.hpp.
  template <class Extras = CheckpointExtras>
  Extras load(const std::filesystem::path& path);

  /// What it takes to go on, beside networks, optimisers and average.
  TrainerState state() const {
    TrainerState state{at_,
                       penalties_.steps(),
                       latents_.position(),
                       classes_.position(),
                       penalties_.position(),
                       labelled_ ? labelled_->position() : LoaderPosition()};
    state.run = generator_optimizer_->run();
    state.average_steps = moving_ ? moving_->steps() : 0;
    return state;
  }
  /// Goes on from there. Throws Error, and changes nothing, for numbers that no trainer has.
  void set_state(const TrainerState& state) {
    internal::require_state(state);
    require(state.discriminator_steps >= 0, "trainer: expected a state of numbers >= 0, got ",
            state.discriminator_steps, " discriminator steps");
    if (labelled_) labelled_->set_position(state.labelled);  // the last thing that may throw, and then changes nothing
    at_ = state;
    set_run(state.run);
    penalties_.go_on_from(state.discriminator_steps, state.penalties);
    if (moving_) moving_->set_steps(state.average_steps);
    latents_ = Random(state.latents);
    classes_ = Random(state.classes);
  }

  /// The generator that it trains, as the last step left it; see `averaged_generator` for the one to sample from.
  Generator<S>& generator() { return generator_; }
  /// The discriminator that it trains, as the last step left it.
  Discriminator<S>& discriminator() { return discriminator_; }
  /// The optimiser of the generator's weights.
  Optimizer<S>& generator_optimizer() { return *generator_optimizer_; }
  /// The optimiser of the discriminator's weights.
  Optimizer<S>& discriminator_optimizer() { return *discriminator_optimizer_; }
  /// The options that it was made with.
  const TrainerOptions<S>& options() const { return options_; }

 private:
  using Batch = internal::Batch<S>;

  void check_options() const {
    const auto& o = options_;
    require(generator_.output_shape() == discriminator_.input_shape(), "trainer: the generator makes samples of ",
            generator_.output_shape(), ", the discriminator scores samples of ", discriminator_.input_shape());
    require(o.loss.discriminator && o.loss.generator, "trainer: expected a loss with both of its functions");
    internal::require_weights(generator_);
    internal::require_weights(discriminator_);
    require(o.batch >= 1, "trainer: expected a batch of at least 1, got ", o.batch);
    require(o.steps >= 0, "trainer: expected steps >= 0, got ", o.steps);
    require(o.discriminator_steps >= 1, "trainer: expected at least 1 discriminator step, got ", o.discriminator_steps);
    require(o.weight_clip == 0 || (is_finite(o.weight_clip) && static_cast<S>(o.weight_clip) > S(0)),
            "trainer: expected a weight_clip that is 0 or a positive number, got ", o.weight_clip);
    const Index layers = discriminator_.layers().size();
    const bool behind_activation =
        o.feature_matching >= 1 && o.feature_matching <= layers &&
        (o.feature_matching == layers || discriminator_.layers()[o.feature_matching].leaky_slope() == S(1));
    require(o.feature_matching == 0 || behind_activation, "trainer: expected feature_matching behind one of the ",
            layers, " layers of the discriminator and its activation, got ", o.feature_matching);
    require((discriminator_.heads() > 0) == static_cast<bool>(o.auxiliary.loss), "trainer: expected an auxiliary loss ",
            "exactly if the discriminator has heads, got ", discriminator_.heads(), " heads and ",
            o.auxiliary.loss ? "a" : "no", " loss");
    require(o.labels != LabelSource::drawn || (o.classes >= 1 && o.classes <= most_classes), "trainer: expected 1 to ",
            most_classes, " classes to draw labels from, got ", o.classes);
    require(o.labels != LabelSource::drawn || !o.auxiliary.loss || !o.auxiliary.on_real,
            "trainer: expected labels of the data for an auxiliary loss on real samples, got drawn ones");
    if (o.labelled) check_labelled(o.labelled->data);
    if (!o.penalties.empty()) discriminator_.curvature();
  }

  void check_labelled(const Dataset& data) const {
    require(discriminator_.heads() > 0, "trainer: expected a discriminator with heads for labelled samples, got none");
    require(options_.labels == LabelSource::none,
            "trainer: expected networks that are given no labels beside labelled samples");
    require(data.sample_shape() == discriminator_.input_shape() && data.has_labels(),
            "trainer: expected labelled samples of ", discriminator_.input_shape(), ", got samples of ",
            data.sample_shape(), data.has_labels() ? "" : " without labels");
    require(data.classes() <= discriminator_.heads(), "trainer: expected labelled samples of at most ",
            discriminator_.heads(), " classes, one a head, got ", data.classes());
  }

  void set_run(long steps) {
    const long of_discriminator = internal::times(steps, options_.discriminator_steps);
    generator_optimizer_->set_run(steps);
    discriminator_optimizer_->set_run(of_discriminator);
    penalties_.set_run(of_discriminator);
  }

  template <class NextBatch>
  StepReport run(const NextBatch& next_batch) {
    return whole_step_.run(*this, [&](StepReport& report) {
      for (int k = 1; k <= options_.discriminator_steps; ++k) {
        const Batch real = checked(next_batch());
        parallel_scope(discriminator_.work(real.images.dim(0)), [&] {
          latent_.resize({real.images.dim(0), generator_.latent()});
          if (options_.draw_latent) {
            options_.draw_latent(latent_, latents_);
            check_latent(latent_, real);
          } else {
            latents_.fill_normal(latent_);
          }
          discriminator_step(real, latent_, report, k == 1);
          if (k == options_.discriminator_steps) generator_step(real, latent_, report);
        });
      }
    });
  }

  // All of a step's batches have one count, and every loss a gradient for each of its numbers: asked once, here.
  Batch checked(const Batch& real) const {
    internal::require_batch(discriminator_, real);
    return real;
  }
  void check_latent(const Tensor<S>& latent, const Batch& real) const {
    require(latent.rank() >= 1 && latent.dim(0) == real.images.dim(0), "trainer: expected ", real.images.dim(0),
            " latent vectors, one a real sample, got ", latent.shape());
  }
  static void check_gradient(const char* whose, const Tensor<S>& gradient, const Tensor<S>& scores) {
    require(gradient.shape() == scores.shape(), "trainer: expected the ", whose, "'s loss to write a gradient of ",
            scores.shape(), ", got ", gradient.shape());
  }

  void discriminator_step(const Batch& real, const Tensor<S>& latent, StepReport& report, bool first) {
    draw_labels(real);
    fake_images_ = &generator_.forward(latent, latent_trace_, fake_labels_);
    const Tensor<S>& real_scores = real_heads_.scores(discriminator_.forward(real.images, real_trace_, real.labels));
    const Tensor<S>& fake_scores = fake_heads_.scores(discriminator_.forward(*fake_images_, fake_trace_, fake_labels_));
    const S loss = options_.loss.discriminator(real_scores, fake_scores, dreal_, dfake_);
    check_gradient("discriminator", dreal_, real_scores);
    check_gradient("discriminator", dfake_, fake_scores);
    report.step = at_.steps + 1;
    report.discriminator_loss = loss;
    report.real_score = real_scores.array().mean();
    report.fake_score = fake_scores.array().mean();
    report.accuracy = static_cast<double>((real_scores.array() > S(0)).count() + (fake_scores.array() < S(0)).count()) /
                      static_cast<double>(real_scores.size() + fake_scores.size());
    const bool on_real = options_.auxiliary.on_real && !labelled_, on_fake = !labelled_;
    const S auxiliary = labelled_ ? labelled_pass() : fake_heads_.loss(options_.auxiliary, fake_labels_, latent);
    const S auxiliary_real = on_real ? real_heads_.loss(options_.auxiliary, real.labels, no_latent_) : S(0);
    report.auxiliary_loss = auxiliary;
    require_finite(loss + auxiliary + auxiliary_real, "discriminator");
    const Tensor<S>&dreal = real_heads_.gradient(dreal_, on_real), &dfake = fake_heads_.gradient(dfake_, on_fake);
    report.penalty = penalties_.backward(discriminator_, {real.images, real.labels, real_trace_, dreal},
                                         {*fake_images_, fake_labels_, fake_trace_, dfake});
    require_finite(static_cast<S>(report.penalty), "discriminator's penalty");
    if (first)
      discriminator_optimizer_->step_undoably();  // all that follows in this step may still fail
    else
      discriminator_optimizer_->step();
    if (options_.weight_clip > 0) clip_weights(discriminator_optimizer_->parameters(), options_.weight_clip);
  }

  /// The auxiliary loss of the next labelled batch, whose gradients are added.
  S labelled_pass() {
    while (!labelled_->next(labelled_images_, labelled_labels_)) {
    }
    const Tensor<S>& scores = labelled_heads_.scores(discriminator_.forward(labelled_images_, labelled_trace_));
    const S loss = labelled_heads_.loss(options_.auxiliary, labelled_labels_, no_latent_);
    dlabelled_.resize(scores.shape());
    dlabelled_.fill(S(0));
    discriminator_.backward(labelled_trace_, labelled_heads_.gradient(dlabelled_, true), {.parameters = true});
    return loss;
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
      check_gradient("generator", dfake_, fake_scores);
      const S auxiliary = labelled_ ? S(0) : fake_heads_.loss(options_.auxiliary, fake_labels_, latent);
      require_finite(loss + auxiliary, "generator");
      dimages = &discriminator_.backward(fake_trace_, fake_heads_.gradient(dfake_, !labelled_), {.input = true});
    }
    report.generator_loss = loss;
    generator_.backward(latent_trace_, *dimages, {.parameters = true});
    if (moving_) moving_->check_sizes();
    generator_optimizer_->step();  // the last thing that may throw, and then changes nothing
    if (moving_) moving_->update();
    ++at_.steps;
  }

  void draw_labels(const Batch& real) {
    fake_labels_ = real.labels;
    if (options_.labels != LabelSource::drawn) return;
    const auto count = static_cast<std::size_t>(real.images.dim(0));
    uniform_.resize({real.images.dim(0)});
    classes_.fill_uniform(uniform_, S(0), static_cast<S>(options_.classes));
    drawn_labels_.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      drawn_labels_[i] =
          static_cast<Label>(std::min(options_.classes - 1, static_cast<Index>(uniform_[static_cast<Index>(i)])));
    fake_labels_ = drawn_labels_;
  }

  void require_finite(S loss, const char* whose) const { internal::require_finite_loss(loss, whose, at_.steps + 1); }

  Generator<S>& generator_;
  Discriminator<S>& discriminator_;
  TrainerOptions<S> options_;
  std::unique_ptr<Optimizer<S>> generator_optimizer_, discriminator_optimizer_;
  internal::PenalisedBackward<S> penalties_;
  Random latents_, classes_;
  internal::WholeStep<S> whole_step_;
  std::optional<Generator<S>> average_;
  std::optional<MovingAverage<S>> moving_;
  std::optional<Loader<S>> labelled_;
  FitState at_;
  internal::FitLoop<S> loop_;

  // What a step works on; kept so that the next one allocates nothing.
  Tensor<S> latent_, dreal_, dfake_, uniform_, labelled_images_, dlabelled_;
  const Tensor<S> no_scores_, no_latent_;
  std::vector<Label> drawn_labels_, labelled_labels_;
  Labels fake_labels_;
  const Tensor<S>* fake_images_ = nullptr;
  Trace<S> latent_trace_, real_trace_, fake_trace_, labelled_trace_;
  internal::Heads<S> real_heads_, fake_heads_, labelled_heads_;
};

// Outside of the class, and so not inline: where they are compiled once (core/instantiate.hpp), no other file compiles
// what they call.

template <class S>
void AdversarialTrainer<S>::fit(const Dataset& data, const FitOptions& fit) {
  const internal::FitPlan plan{.batch = options_.batch,
                               .batches = options_.discriminator_steps,
                               .labels = options_.labels == LabelSource::data,
                               .seed = options_.seed,
                               .sample = discriminator_.input_shape()};
  loop_.run(
      data, fit, plan, at_, [&](long steps) { set_run(steps); },
      [&](const auto& next_batch) { return run(next_batch); });
}

template <class S>
StepReport AdversarialTrainer<S>::step(const Tensor<S>& real, Labels labels) {
  return run([&]() -> Batch { return {real, labels}; });
}

template <class S>
StepReport AdversarialTrainer<S>::step(const Tensor<S>& real, const Tensor<S>& latent, Labels labels) {
  return whole_step_.run(*this, [&](StepReport& report) {
    const Batch batch = checked({real, labels});
    check_latent(latent, batch);
    parallel_scope(discriminator_.work(real.dim(0)), [&] {
      discriminator_step(batch, latent, report, true);
      generator_step(batch, latent, report);
    });
  });
}

RIVAL_INSTANTIATE_CLASS(AdversarialTrainer);

}  // namespace rival
