#pragma once
// Playground: a GAN on points in the plane that is watched, and changed, while it trains.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "rival/data/synthetic.hpp"
#include "rival/gan/trainer.hpp"
#include "rival/io/json.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/dense.hpp"
#include "rival/loss/relativistic.hpp"
#include "rival/metrics/mode_counts.hpp"
#include "rival/nn/initialise.hpp"

namespace web {

using rival::Index;
using rival::require;

/// What the page lets one choose. A penalty of weight 0 is none.
struct Settings {
  std::string loss = "relativistic";
  Index batch = 128;
  Index width = 64;  ///< of the hidden layers of both networks, three in each
  double generator_rate = 1e-3, discriminator_rate = 1e-3;
  double beta1 = 0;
  double r1 = 0.02, r2 = 0.02;  ///< gamma
  double gp = 0;                ///< the weight of WGAN-GP's penalty
  Index discriminator_steps = 1;
  bool average = true;  ///< whether the samples are those of the generator's moving average
  std::uint64_t seed = 1;
};

inline const std::map<std::string, rival::AdversarialLoss<>, std::less<>>& losses() {
  static const std::map<std::string, rival::AdversarialLoss<>, std::less<>> all{
      {"hinge", rival::hinge()},
      {"least-squares", rival::least_squares()},
      {"minimax", rival::minimax()},
      {"non-saturating", rival::non_saturating()},
      {"relativistic", rival::relativistic_pairing()},
      {"wasserstein", rival::wasserstein()}};
  return all;
}

/// Throws Error for what a slow phone, or the networks, could not bear.
inline void check(const Settings& s) {
  const auto between = [](std::string_view what, double value, double least, double most) {
    require(value >= least && value <= most, what, ": expected ", least, " to ", most, ", got ", value);
  };
  require(losses().contains(s.loss), "loss: expected hinge, least-squares, minimax, non-saturating, relativistic or ",
          "wasserstein, got ", s.loss);
  between("batch", static_cast<double>(s.batch), 1, 1024);
  between("width", static_cast<double>(s.width), 4, 256);
  between("generator_rate", s.generator_rate, 0, 1);
  between("discriminator_rate", s.discriminator_rate, 0, 1);
  between("beta1", s.beta1, 0, 0.99);
  between("r1", s.r1, 0, 100);
  between("r2", s.r2, 0, 100);
  between("gp", s.gp, 0, 100);
  between("discriminator_steps", static_cast<double>(s.discriminator_steps), 1, 20);
}

/// Settings of a JSON object that names some of them; the others are as in a Settings. Throws Error for other names and
/// for values out of range.
inline Settings settings_from_json(std::string_view text) {
  Settings s;
  const rival::Json json = rival::Json::parse(text);
  for (const auto& [name, value] : json.members()) {
    try {
      if (name == "loss")
        s.loss = value.string();
      else if (name == "batch")
        s.batch = value.whole<Index>();
      else if (name == "width")
        s.width = value.whole<Index>();
      else if (name == "generator_rate")
        s.generator_rate = value.number();
      else if (name == "discriminator_rate")
        s.discriminator_rate = value.number();
      else if (name == "beta1")
        s.beta1 = value.number();
      else if (name == "r1")
        s.r1 = value.number();
      else if (name == "r2")
        s.r2 = value.number();
      else if (name == "gp")
        s.gp = value.number();
      else if (name == "discriminator_steps")
        s.discriminator_steps = value.whole<Index>();
      else if (name == "average")
        s.average = value.boolean();
      else if (name == "seed")
        s.seed = value.whole<std::uint64_t>();
      else
        rival::fail("it is no setting");
    } catch (const rival::Error& error) {
      rival::fail("settings: ", name, ": ", error.what());
    }
  }
  check(s);
  return s;
}

/// What has been seen since it was last asked for.
struct Progress {
  long step = 0;                                      ///< counted from 1, since the networks were made
  double discriminator_loss = 0, generator_loss = 0;  ///< means
  double modes = 0, covered = 0, quality = 0;         ///< see ModeCounts
};

/// The networks see the plane as it is: data should lie within about -1.5 to 1.5.
class Playground {
  /// What a trainer cannot change.
  static auto shape_of(const Settings& s) {
    return std::make_tuple(s.loss, s.batch, s.beta1, s.r1 > 0, s.r2 > 0, s.gp > 0, s.discriminator_steps, s.average);
  }

 public:
  static constexpr Index sample_count = 1000;

  /// Throws Error for settings out of range, and without centres.
  Playground(const Settings& settings, rival::GaussianMixture data)
      : settings_(settings),
        data_(std::move(data)),
        random_(settings.seed),
        generator_(2, layers(settings, 2, 0)),
        discriminator_({2}, layers(settings, 1, 0.2F)),
        latents_({sample_count, 2}) {
    check(settings_);
    set_data(data_);
    generator_.initialise(rival::he<>(), random_.stream("weights"));
    discriminator_.initialise(rival::he<>(0.2F), random_.stream("weights"));
    // The same latent vectors throughout: one sees the points wander.
    random_.stream("samples").fill_normal(latents_);
    begin();
  }
  Playground(const Playground&) = delete;
  Playground& operator=(const Playground&) = delete;

  /// Goes on with other settings. The networks keep their weights; what the trainer remembers (Adam's moments, the
  /// average) starts anew unless only learning rates and weights of penalties have changed. Throws Error, and changes
  /// nothing, for settings out of range or another width or seed, which networks are made by.
  void change(const Settings& settings) {
    check(settings);
    require(settings.width == settings_.width && settings.seed == settings_.seed,
            "playground: width and seed are those of the networks; make a new one");
    const bool anew = shape_of(settings) != shape_of(settings_);
    settings_ = settings;
    if (anew) begin();
  }

  /// Goes on with other data.
  void set_data(rival::GaussianMixture data) {
    require(!data.centres.empty(), "playground: expected at least one point of data, got none");
    require(data.sigma > 0, "playground: expected a positive sigma, got ", data.sigma);
    data_ = std::move(data);
  }

  /// Throws Diverged when a loss is not finite.
  void step() {
    batch_.resize({settings_.batch, 2});
    data_.sample(batch_, random_);
    const rival::StepReport report = trainer_->step(batch_);
    ++step_;
    ++seen_;
    discriminator_loss_ += report.discriminator_loss;
    generator_loss_ += report.generator_loss;
  }

  Progress progress() {
    const auto counts = rival::count_modes(samples(), data_);
    const double n = std::max(1.0, static_cast<double>(seen_));
    Progress now{.step = step_,
                 .discriminator_loss = discriminator_loss_ / n,
                 .generator_loss = generator_loss_ / n,
                 .modes = static_cast<double>(data_.modes()),
                 .covered = static_cast<double>(counts.covered()),
                 .quality = counts.quality()};
    seen_ = 0;
    discriminator_loss_ = generator_loss_ = 0;
    return now;
  }

  /// Of fixed latent vectors, {1000, 2}.
  const rival::Tensor<>& samples() const { return trainer_->averaged_generator().infer(latents_, of_samples_); }

  /// `count` points of the data.
  rival::Tensor<> data(Index count) const {
    rival::Tensor<> points({count, 2});
    rival::Random random = rival::Random(settings_.seed).stream("shown");
    data_.sample(points, random);
    return points;
  }

  /// Scores at the centres of side x side squares of the plane from -reach to reach, row by row from the lowest. What
  /// lies midway between the mean scores of data and samples is taken off: relativistic losses leave it open where zero
  /// is.
  rival::Tensor<> field(Index side, float reach) {
    places_.resize({side * side, 2});
    const auto place = [&](Index i) {
      return reach * (2 * (static_cast<float>(i) + 0.5F) / static_cast<float>(side) - 1);
    };
    for (Index i = 0; i < places_.dim(0); ++i) {
      places_(i, 0) = place(i % side);
      places_(i, 1) = place(i / side);
    }
    const float of_samples = discriminator_.infer(samples(), of_field_).array().mean();
    const float of_data = discriminator_.infer(data(settings_.batch), of_field_).array().mean();
    rival::Tensor<> scores = discriminator_.infer(places_, of_field_);
    scores.array() -= (of_samples + of_data) / 2;
    return scores;
  }

  /// The gradient of the score at the first `count` samples, {count, 2}: whither the discriminator sends them.
  rival::Tensor<> arrows(Index count) {
    require(count >= 1 && count <= sample_count, "arrows: expected a count from 1 to ", sample_count, ", got ", count);
    const rival::Tensor<>& all = samples();
    places_.resize({count, 2});
    std::copy_n(all.data(), places_.size(), places_.data());
    const auto& scores = discriminator_.forward(places_, of_arrows_);
    rival::Tensor<> ones(scores.shape(), 1.0F);
    return discriminator_.backward(of_arrows_, ones, {.parameters = false, .input = true});
  }

 private:
  static rival::Sequential<> layers(const Settings& s, Index out, float slope) {
    rival::Sequential<> all;
    for (Index in = 2, k = 0; k < 3; in = s.width, ++k)
      all.add(rival::Dense<>({.in = in, .out = s.width})).add(rival::LeakyReLU<>(slope));
    all.add(rival::Dense<>({.in = s.width, .out = out}));
    return all;
  }

  /// A trainer of these settings. Rates and weights follow them from step to step.
  void begin() {
    const Settings& s = settings_;
    const auto adam = [&](const double& rate) {
      return rival::AdamOptions{
          .learning_rate = 1, .beta1 = s.beta1, .beta2 = 0.99, .schedule = [&rate](long) { return rate; }};
    };
    std::vector<rival::Penalty> penalties;
    const auto charge = [&](rival::PenaltyKind kind, const double& weight) {
      if (weight > 0) penalties.push_back({kind, 1, [&weight](long) { return weight; }});
    };
    charge(rival::PenaltyKind::r1, s.r1);
    charge(rival::PenaltyKind::r2, s.r2);
    charge(rival::PenaltyKind::wgan_gp, s.gp);
    rival::TrainerOptions<> options{.loss = losses().find(s.loss)->second,
                                    .batch = s.batch,
                                    .penalties = std::move(penalties),
                                    .discriminator_steps = static_cast<int>(s.discriminator_steps),
                                    .generator_optimizer = adam(s.generator_rate),
                                    .discriminator_optimizer = adam(s.discriminator_rate),
                                    .seed = s.seed + static_cast<std::uint64_t>(step_)};
    if (s.average) options.average = rival::MovingAverageOptions{.half_life = 100.0 * 128};
    trainer_.emplace(generator_, discriminator_, std::move(options));
  }

  Settings settings_;
  rival::GaussianMixture data_;
  rival::Random random_;
  rival::Generator<> generator_;
  rival::Discriminator<> discriminator_;
  std::optional<rival::AdversarialTrainer<>> trainer_;
  rival::Tensor<> latents_, batch_, places_;
  mutable rival::Trace<> of_samples_;
  rival::Trace<> of_field_, of_arrows_;
  long step_ = 0, seen_ = 0;
  double discriminator_loss_ = 0, generator_loss_ = 0;
};

}  // namespace web
