#pragma once
// Health: what goes wrong in a training, named while it goes on.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/data/dataset.hpp"
#include "rival/gan/heads.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/metrics/neighbours.hpp"

namespace rival {

/// Something that goes wrong in a training, and what to try.
struct HealthWarning {
  std::string name;  ///< "mode collapse"
  std::string text;  ///< what was seen, in numbers, and what to try
};

/// What a Health remembers from step to step.
struct HealthState {
  long seen = 0,                 ///< steps of the training
      looks = 0;                 ///< looks at the networks, one in `every` steps
  double loss = 0,               ///< of the discriminator, in the mean of some hundred steps, as the next three
      accuracy = 0,              ///< share that the discriminator tells apart
      lead = 0,                  ///< score of real samples less that of generated ones
      distance = 0;              ///< between the two scores, whichever is greater
  double greatest_gradient = 0,  ///< of all looks, of the gradient with respect to generated samples
      generator_norm = 0,        ///< of the generator's weights at the first look: their root mean square
      discriminator_norm = 0;    ///< likewise of the discriminator
  /// Whether generated samples ever lay a fifth as far apart as real ones do, or twenty looks are over. Before that
  /// samples that are alike are no collapse: the weights are small.
  bool was_apart = false;
  std::array<int, 8> wrong{};  ///< looks on end at which each warning held
};

/// How often a Health looks, and at what.
struct HealthOptions {
  /// Steps from one look at the networks to the next; 0: a fiftieth of the run, at least 50.
  long every = 0;
  /// Of the samples and latent vectors that it looks at; the training's own streams are not touched.
  std::uint64_t seed = 0;
};

/// Watches a training, from `step`, without a trace in it. It warns of:
///
/// - `discriminator far ahead`: its loss stays below 0.01, and it tells 99.5 % apart;
/// - `discriminator behind`: generated samples score higher than real ones, step after step;
/// - `vanishing gradient`: what reaches the generator's samples is a ten-thousandth of what it was;
/// - `mode collapse`: generated samples are ten times as near to each other as real ones are;
/// - `memorising`: generated samples are five times as near to training samples as those are to each other;
/// - `diverging weights`: a network's weights are 30 times as large as they were, by their root mean square;
/// - `dead latent numbers`: a tenth of the latent vector's numbers change samples by less than a hundredth of what the
///   usual one does.
///
/// Each is told when it begins, and again when it comes back after it was gone.
template <class S = float>
class Health {
 public:
  /// `data` is what is trained on. Both must outlive it. Throws Error when the samples are not the generator's.
  Health(AdversarialTrainer<S>& trainer, const Dataset& data, const HealthOptions& options = {})
      : trainer_(trainer), options_(options), random_(Random(options.seed).stream("health")) {
    require(data.sample_shape() == trainer.generator().output_shape(), "health: the generator makes samples of ",
            trainer.generator().output_shape(), ", the data set has samples of ", data.sample_shape());
    require(data.size() >= 4 && options.every >= 0,
            "health: expected at least 4 samples, and a number of steps >= 0, got ", data.size(), " and ",
            options.every);
    const bool labelled = trainer.options().labels == LabelSource::data && data.has_labels();
    std::vector<Index> order;
    random_.stream("real").permutation(data.size(), order);
    const auto count = static_cast<std::size_t>(std::min(looked_at, data.size() / 2));
    data.gather(std::span<const Index>(order).first(count), real_);
    if (labelled) data.gather_labels(std::span<const Index>(order).first(count), labels_);
    if (trainer.options().labels == LabelSource::drawn)
      for (std::size_t i = 0; i < count; ++i)
        labels_.push_back(static_cast<Label>(static_cast<Index>(i) % trainer.options().classes));
    // As many others as can be compared with in a few milliseconds.
    const Index size = data.sample_shape().size();
    const Index others =
        std::clamp<Index>(50'000'000 / (size * static_cast<Index>(count)), 1, data.size() - static_cast<Index>(count));
    data.gather(std::span<const Index>(order).subspan(count, static_cast<std::size_t>(others)), training_);
    // Those that generated samples are compared with must not be nearer for being more: the reals are left out.
    real_to_training_ = median(nearest(flat(real_), flat(training_)).distance);
    real_to_real_ = median(nearest_others(flat(real_)));
    latents_ = draw(static_cast<Index>(count), 0);
  }

  /// To be called after each step of `fit`, with its report. Returns what is new, mostly nothing.
  std::vector<HealthWarning> step(const StepReport& report) {
    const double share = ++state_.seen < 100 ? 1.0 / static_cast<double>(state_.seen) : 0.01;
    const auto follow = [&](double& mean, double value) { mean += share * (value - mean); };
    follow(state_.loss, report.discriminator_loss);
    follow(state_.accuracy, report.accuracy);
    follow(state_.lead, report.real_score - report.fake_score);
    follow(state_.distance, std::abs(report.real_score - report.fake_score));
    const long every = options_.every > 0 ? options_.every : std::max(50L, report.steps_in_all / 50);
    if (state_.seen % every != 0) return {};
    ++state_.looks;
    return look();
  }

  /// For resumes.
  const HealthState& state() const { return state_; }
  /// Goes on from a state that `state` gave.
  void set_state(const HealthState& state) { state_ = state; }

 private:
  enum class Kind {
    ahead,
    behind,
    gradient,
    collapse,
    memorising,
    generator_weights,
    discriminator_weights,
    dead_latents
  };
  static constexpr const char* names[] = {
      "discriminator far ahead",
      "discriminator behind",
      "vanishing gradient",
      "mode collapse",
      "memorising",
      "diverging weights of the generator",
      "diverging weights of the discriminator",
      "dead latent numbers",
  };
  static constexpr Index looked_at = 64;

  std::vector<HealthWarning> look() {
    fresh_.clear();
    const Generator<S>& generator = trainer_.generator();
    const Labels labels = labels_;
    const Tensor<S> made = generator.sample(latents_, labels);
    // The next step, whose loss they make infinite, says so itself.
    if (!std::all_of(made.data(), made.data() + made.size(), is_finite<S>)) return fresh_;

    // These two swing in healthy trainings.
    tell(Kind::ahead, state_.accuracy > 0.995 && state_.loss >= 0 && state_.loss < 0.01, 3, [&] {
      return internal::concatenate("it tells ", 100 * state_.accuracy, " % apart with a loss of ", state_.loss,
                                   "; try a gradient penalty, spectral norm, a lower rate or a smaller discriminator");
    });
    tell(Kind::behind, state_.lead < -0.5 * state_.distance, 10, [&] {
      return internal::concatenate("generated samples score higher than real ones by ", -state_.lead,
                                   "; try more discriminator steps, a higher rate or a larger discriminator");
    });

    const double gradient = gradient_at(made);
    state_.greatest_gradient = std::max(state_.greatest_gradient, gradient);
    tell(Kind::gradient, gradient < 1e-4 * state_.greatest_gradient, 1, [&] {
      return internal::concatenate("the gradient at generated samples is ", gradient, ", it was ",
                                   state_.greatest_gradient,
                                   "; try the non-saturating or the relativistic loss, or a gradient penalty");
    });

    const Tensor<S> flat_made = flat(made);
    const double apart = median(nearest_others(flat_made));
    // At first all samples are alike, as the weights are small.
    state_.was_apart = state_.was_apart || apart > 0.2 * real_to_real_ || state_.looks > 20;
    tell(Kind::collapse, state_.was_apart && apart < 0.1 * real_to_real_, 1, [&] {
      return internal::concatenate("samples are ", apart, " apart, real ones ", real_to_real_,
                                   "; try the relativistic loss with R1 and R2, minibatch standard deviation, or lower "
                                   "rates");
    });
    const double known = median(nearest(flat_made, flat(training_)).distance);
    tell(Kind::memorising, state_.was_apart && apart >= 0.1 * real_to_real_ && known < 0.2 * real_to_training_, 1, [&] {
      return internal::concatenate("samples are ", known, " from training samples, which are ", real_to_training_,
                                   " from each other; try more data, augmentation, or smaller networks");
    });

    tell_norm(Kind::generator_weights, trainer_.generator(), state_.generator_norm);
    tell_norm(Kind::discriminator_weights, trainer_.discriminator(), state_.discriminator_norm);
    if (state_.looks % 10 == 0) look_at_latents();
    return fresh_;
  }

  /// The root mean square of the gradient of the generator's loss at its samples, which a copy of the discriminator
  /// scores.
  double gradient_at(const Tensor<S>& made) {
    if (discriminator_)
      *discriminator_ = trainer_.discriminator();
    else
      discriminator_.emplace(trainer_.discriminator());
    const auto& loss = trainer_.options().loss;
    const Tensor<S>& real_scores = real_heads_.scores(discriminator_->forward(real_, real_trace_, labels_));
    const Tensor<S>& fake_scores = fake_heads_.scores(discriminator_->forward(made, fake_trace_, labels_));
    loss.generator(loss.generator_needs_real ? real_scores : none_, fake_scores, dfake_);
    const Tensor<S>& dmade =
        discriminator_->backward(fake_trace_, fake_heads_.gradient(dfake_, false), {.input = true});
    return std::sqrt(static_cast<double>(dmade.array().square().mean()));
  }

  void look_at_latents() {
    constexpr Index bases = 8;
    const Index length = latents_.dim(1), count = std::min(bases, latents_.dim(0));
    const Tensor<S> others = draw(count, state_.looks);
    std::vector<Label> labels;
    Tensor<S> vectors({count * (length + 1), length});
    for (Index b = 0; b < count; ++b)
      for (Index k = 0; k <= length; ++k) {
        vectors.matrix().row(b * (length + 1) + k) = latents_.matrix().row(b);
        if (k < length) vectors(b * (length + 1) + k, k) = others(b, k);
        if (!labels_.empty()) labels.push_back(labels_[static_cast<std::size_t>(b)]);
      }
    const Tensor<S> made = trainer_.generator().sample(vectors, labels);
    const Index size = made.shape().sample().size();
    std::vector<double> effects(static_cast<std::size_t>(length));
    for (Index b = 0; b < count; ++b) {
      const S* plain = made.data() + (b * (length + 1) + length) * size;
      for (Index k = 0; k < length; ++k) {
        const S* changed = made.data() + (b * (length + 1) + k) * size;
        double sum = 0;
        for (Index p = 0; p < size; ++p) sum += std::abs(static_cast<double>(changed[p] - plain[p]));
        effects[static_cast<std::size_t>(k)] += sum / static_cast<double>(size * count);
      }
    }
    const double usual = median(effects);
    const auto dead = std::count_if(effects.begin(), effects.end(), [&](double e) { return e < 0.01 * usual; });
    tell(Kind::dead_latents, 10 * dead >= length, 1, [&] {
      return internal::concatenate(dead, " of ", length,
                                   " hardly change a sample; try a shorter latent vector or another initialiser");
    });
  }

  void tell_norm(Kind kind, Network<S>& network, double& first) {
    double squares = 0, count = 0;
    for (const auto* parameter : network.parameters())
      if (parameter->value.rank() >= 2) {
        squares += parameter->value.array().template cast<double>().square().sum();
        count += static_cast<double>(parameter->value.size());
      }
    const double now = count > 0 ? std::sqrt(squares / count) : 0;
    if (first == 0) first = now;
    tell(kind, now > 30 * first, 1, [&] {
      return internal::concatenate("their root mean square is ", now, ", it was ", first,
                                   "; try a lower rate, a gradient penalty or weight decay");
    });
  }

  /// Tells it when it has been wrong at so many looks on end.
  template <class Text>
  void tell(Kind kind, bool wrong, int patience, const Text& text) {
    int& looks = state_.wrong[static_cast<std::size_t>(kind)];
    looks = wrong ? looks + 1 : 0;
    if (looks == patience) fresh_.push_back({names[static_cast<std::size_t>(kind)], text()});
  }

  Tensor<S> draw(Index count, long look) const {
    Tensor<S> latents({count, trainer_.generator().latent()});
    Random random = random_.stream("latents").stream(std::to_string(look));
    if (trainer_.options().draw_latent)
      trainer_.options().draw_latent(latents, random);
    else
      random.fill_normal(latents);
    return latents;
  }

  static Tensor<S> flat(const Tensor<S>& samples) {
    Tensor<S> rows({samples.dim(0), samples.shape().sample().size()});
    std::copy_n(samples.data(), samples.size(), rows.data());
    return rows;
  }
  static std::vector<double> nearest_others(const Tensor<S>& rows) {
    const Eigen::RowVectorXd centre = internal::centre_of(rows);
    std::vector<double> squares = internal::radii(internal::Centred(rows, centre), 1);
    for (double& s : squares) s = std::sqrt(std::max(0.0, s));
    return squares;
  }
  static double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  AdversarialTrainer<S>& trainer_;
  HealthOptions options_;
  const Random random_;
  Tensor<S> real_, training_, latents_, dfake_;
  const Tensor<S> none_;
  std::vector<Label> labels_;
  double real_to_training_ = 0, real_to_real_ = 0;

  HealthState state_;
  std::vector<HealthWarning> fresh_;
  std::optional<Discriminator<S>> discriminator_;
  Trace<S> real_trace_, fake_trace_;
  internal::Heads<S> real_heads_, fake_heads_;
};

}  // namespace rival
