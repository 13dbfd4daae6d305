#pragma once
// What a program samples of its generator.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "rival/gan/generator.hpp"
#include "rival/gan/trainer_options.hpp"

/// Samples for pictures, of the same latent vectors throughout, so that an animation shows the same ones taking shape,
/// and new ones, without an end. They are drawn from a stream of their own: training does not notice.
class Samples {
 public:
  /// `classes` is 0 for a generator that takes no labels, `label` the class to sample, or -1 for all.
  Samples(const rival::Generator<>& generator, const rival::TrainerOptions<>& options, rival::Random random,
          rival::Index classes, long label)
      : generator_(generator),
        draw_latent_(options.draw_latent),
        random_(std::move(random)),
        classes_(classes),
        label_(label) {
    const rival::Index latent = generator.latent();
    if (classes == 0 || label >= 0) {
      columns_ = 8;
      fixed_.resize({64, latent});
      draw(fixed_);
      if (classes > 0) fixed_labels_.assign(64, static_cast<Label>(label));
      return;
    }
    columns_ = 10;
    rival::Tensor<float> row({columns_, latent});
    draw(row);
    fixed_.resize({classes * columns_, latent});
    for (rival::Index k = 0; k < classes; ++k) {
      std::copy_n(row.data(), row.size(), fixed_.data() + k * row.size());
      fixed_labels_.insert(fixed_labels_.end(), static_cast<std::size_t>(columns_), static_cast<Label>(k));
    }
  }

  /// 64 samples; of a conditional generator a row a class, and the same latent vectors in each row.
  rival::Tensor<float> fixed() const { return generator_.sample(fixed_, fixed_labels_); }
  /// Of the picture that shows them.
  rival::Index columns() const { return columns_; }

  /// Walks of `steps` samples from one fixed latent vector to another, one after the other; of a conditional generator
  /// each within a class. Between a and b they go along the great circle, and lengths change evenly (White, "Sampling
  /// generative networks", 2016).
  rival::Tensor<float> walks(rival::Index count, rival::Index steps) const {
    const rival::Index latent = generator_.latent();
    rival::Tensor<float> vectors({count * steps, latent});
    std::vector<Label> labels;
    for (rival::Index walk = 0; walk < count; ++walk) {
      const rival::Index from = 2 * walk % columns_;
      const auto a = fixed_.matrix().row(from).cast<double>(), b = fixed_.matrix().row(from + 1).cast<double>();
      const double length_a = a.norm(), length_b = b.norm();
      const double angle = std::acos(std::clamp(a.dot(b) / (length_a * length_b), -1.0, 1.0));
      for (rival::Index step = 0; step < steps; ++step) {
        const double t = static_cast<double>(step) / static_cast<double>(steps - 1);
        const double length = (1 - t) * length_a + t * length_b;
        const bool apart = std::sin(angle) > 1e-6;
        const double of_a = apart ? std::sin((1 - t) * angle) / std::sin(angle) * length / length_a : 1 - t;
        const double of_b = apart ? std::sin(t * angle) / std::sin(angle) * length / length_b : t;
        vectors.matrix().row(walk * steps + step) = (of_a * a + of_b * b).template cast<float>();
        if (classes_ > 0) labels.push_back(static_cast<Label>(label_ >= 0 ? label_ : walk % classes_));
      }
    }
    return generator_.sample(vectors, labels);
  }

  /// The next ones. Of a conditional generator sample i, counted over all calls, is of class i modulo their number.
  rival::Tensor<float> next(rival::Index count) {
    rival::Tensor<float> vectors({count, generator_.latent()});
    draw(vectors);
    std::vector<Label> labels(classes_ > 0 ? static_cast<std::size_t>(count) : 0);
    for (auto& label : labels) label = static_cast<Label>(label_ >= 0 ? label_ : drawn_++ % classes_);
    return generator_.sample(vectors, labels);
  }

 private:
  using Label = rival::Labels::value_type;

  void draw(rival::Tensor<float>& vectors) {
    if (draw_latent_)
      draw_latent_(vectors, random_);
    else
      random_.fill_normal(vectors);
  }

  const rival::Generator<>& generator_;
  std::function<void(rival::Tensor<float>&, rival::Random&)> draw_latent_;
  rival::Random random_;
  rival::Index classes_;
  long label_;
  rival::Index columns_ = 0;
  long drawn_ = 0;
  rival::Tensor<float> fixed_;
  std::vector<Label> fixed_labels_;
};
