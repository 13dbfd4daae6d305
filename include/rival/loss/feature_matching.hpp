#pragma once
// Feature matching: the generator's batch should look to the discriminator's inner layers as real batches do, on
// average.

#include <algorithm>

#include "rival/core/workspace.hpp"
#include "rival/loss/loss.hpp"

namespace rival {

/// |mean over the batch of real_features - mean over the batch of fake_features|^2, summed over all features; writes
/// the gradient with respect to `fake_features`, which is the same for each sample (Salimans, Goodfellow, Zaremba,
/// Cheung, Radford and Chen, 2016). The features are the outputs {N, ...} of some layer; the batches may differ in
/// size. Summed in double, with the same bits on any number of threads; allocates nothing once warm. Throws Error when
/// a batch is empty, and when the samples differ in shape.
template <class S>
S feature_matching(const Tensor<S>& real_features, const Tensor<S>& fake_features, Tensor<S>& dfake) {
  require(real_features.rank() >= 2 && !real_features.empty() && fake_features.rank() >= 2 && !fake_features.empty() &&
              real_features.shape().sample() == fake_features.shape().sample(),
          "feature_matching: expected two batches of features of one shape, got ", real_features.shape(), " and ",
          fake_features.shape());
  const Index features = fake_features.shape().sample().size(), reals = real_features.dim(0),
              fakes = fake_features.dim(0);
  dfake.resize(fake_features.shape());
  double* difference = scratch<double>(Scratch::partial_sums, features);
  const double work = static_cast<double>((reals + 2 * fakes) * features);
  parallel_blocks(features, 512, work, [&](Index begin, Index end) {
    const auto add = [&](const Tensor<S>& batch, double share) {
      for (Index n = 0; n < batch.dim(0); ++n) {
        const S* x = batch.data() + n * features;
        for (Index i = begin; i < end; ++i) difference[i] += share * static_cast<double>(x[i]);
      }
    };
    std::fill(difference + begin, difference + end, 0.0);
    add(real_features, 1.0 / static_cast<double>(reals));
    add(fake_features, -1.0 / static_cast<double>(fakes));
    const double share = -2.0 / static_cast<double>(fakes);
    for (Index n = 0; n < fakes; ++n) {
      S* dx = dfake.data() + n * features;
      for (Index i = begin; i < end; ++i) dx[i] = static_cast<S>(share * difference[i]);
    }
  });
  double sum = 0;
  for (Index i = 0; i < features; ++i) sum += difference[i] * difference[i];
  return static_cast<S>(sum);
}

RIVAL_INSTANTIATE_FUNCTION(feature_matching);

}  // namespace rival
