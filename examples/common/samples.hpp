#pragma once
// What a program samples of its generator.

#include <functional>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"

namespace rival {
template <class S>
struct TrainerOptions;
}

/// Samples for pictures, of the same latent vectors throughout, so that an animation shows the same ones taking shape,
/// and new ones, without an end. They are drawn from a stream of their own: training does not notice.
class Samples {
 public:
  /// `classes` is 0 for a generator that takes no labels, `label` the class to sample, or -1 for all.
  Samples(const rival::Generator<>& generator, const rival::TrainerOptions<float>& options, rival::Random random,
          rival::Index classes, long label);

  /// From now on `best` and `next` give for each sample the one of so many that the discriminator scores highest.
  void choose_by(const rival::Discriminator<>& discriminator, rival::Index tries);

  /// 64 samples; of a conditional generator a row a class, and the same latent vectors in each row.
  rival::Tensor<float> fixed() const { return generator_.sample(fixed_, fixed_labels_); }
  /// As many, each the best one of its tries as the discriminator now sees them, the first of which is in `fixed`;
  /// without a choice the same.
  rival::Tensor<float> best() const;
  /// Of the picture that shows them.
  rival::Index columns() const { return columns_; }

  /// Walks of `steps` samples from one fixed latent vector to another, one after the other, as LatentLaw::between has
  /// it; of a conditional generator each within a class.
  rival::Tensor<float> walks(rival::Index count, rival::Index steps) const;

  /// The next ones. Of a conditional generator sample i, counted over all calls, is of class i modulo their number.
  rival::Tensor<float> next(rival::Index count);

 private:
  using Label = rival::Labels::value_type;

  void draw(rival::Tensor<float>& vectors);

  const rival::Generator<>& generator_;
  std::function<void(rival::Tensor<float>&, rival::Random&)> draw_latent_;
  rival::Random random_;
  rival::Index classes_;
  long label_;
  const rival::Discriminator<>* discriminator_ = nullptr;
  rival::Index tries_ = 1;
  rival::Index columns_ = 0;
  long drawn_ = 0;
  rival::Tensor<float> fixed_, candidates_;  ///< the tries of each of the fixed ones stand together
  std::vector<Label> fixed_labels_;
};
