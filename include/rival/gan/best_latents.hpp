#pragma once
// best_latents() and best_samples(): of several tries a sample, those that the discriminator believes most.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "rival/core/finite.hpp"
#include "rival/core/random.hpp"
#include "rival/gan/discriminator.hpp"
#include "rival/gan/generator.hpp"
#include "rival/nn/infer_in_parts.hpp"

namespace rival {

/// Of `tries` latent vectors for each of N samples, those whose samples the discriminator scores highest: better
/// samples, and somewhat fewer kinds of them, as with discriminator rejection sampling (Azadi, Olsson, Darrell,
/// Goodfellow and Odena, "Discriminator rejection sampling", 2019), but in a fixed number of tries:
///
///     rival::Tensor<> candidates({3 * 64, generator.latent()});
///     random.fill_normal(candidates);
///     const auto samples = generator.sample(rival::best_latents(generator, discriminator, candidates, 3));
///
/// `candidates` is {N tries, latent}, the rows of a sample one behind the other; `labels` are N, one a sample, for
/// networks that depend on them. Returns {N, latent}. Of equal scores the first counts, and one that is not finite
/// least. Throws Error when the networks do not fit each other, for a discriminator that scores samples in packs, for
/// rows that `tries` does not divide, and for other numbers of labels.
template <class S>
Tensor<S> best_latents(const Generator<S>& generator, const Discriminator<S>& discriminator,
                       const Tensor<S>& candidates, Index tries, Labels labels = {}) {
  require(generator.output_shape() == discriminator.input_shape(), "best latents: the generator makes samples of ",
          generator.output_shape(), ", the discriminator scores samples of ", discriminator.input_shape());
  require(tries >= 1 && candidates.rank() == 2 && candidates.dim(0) >= 1 && candidates.dim(0) % tries == 0,
          "best latents: expected ", tries, " latent vectors a sample, at least 1, got ", candidates.shape());
  const Index count = candidates.dim(0) / tries, length = candidates.dim(1);
  require(labels.empty() || static_cast<Index>(labels.size()) == count, "best latents: expected ", count,
          " labels, one a sample, got ", labels.size());
  if (tries == 1) return candidates;

  // Candidates of a few samples at a time, so that memory is bounded.
  const Index most = std::max<Index>(1, internal::most_at_once(discriminator) / tries);
  Tensor<S> best({count, length}), part;
  std::vector<Label> part_labels;
  Trace<S> trace;
  for (Index begin = 0; begin < count; begin += most) {
    const Index end = std::min(count, begin + most);
    part.resize({(end - begin) * tries, length});
    std::copy_n(candidates.data() + begin * tries * length, part.size(), part.data());
    part_labels.clear();
    for (Index i = begin; i < end && !labels.empty(); ++i)
      part_labels.insert(part_labels.end(), static_cast<std::size_t>(tries), labels[static_cast<std::size_t>(i)]);
    const Tensor<S> samples = generator.sample(part, part_labels);
    const Tensor<S>& outputs = discriminator.infer(samples, trace, part_labels);
    require(outputs.dim(0) == part.dim(0),
            "best latents: expected a discriminator that scores each sample by itself, got ", outputs.dim(0),
            " scores of ", part.dim(0), " samples");
    const Index columns = outputs.size() / outputs.dim(0);  // the score, and heads behind it
    for (Index i = begin; i < end; ++i) {
      Index chosen = 0;
      for (Index k = 1; k < tries; ++k) {
        const auto score = [&](Index which) { return outputs[((i - begin) * tries + which) * columns]; };
        if (is_finite(score(k)) && (score(k) > score(chosen) || !is_finite(score(chosen)))) chosen = k;
      }
      std::copy_n(candidates.data() + (i * tries + chosen) * length, length, best.data() + i * length);
    }
  }
  return best;
}

/// `count` samples, each the best one of `tries` standard normal latent vectors drawn from `random`.
template <class S>
Tensor<S> best_samples(const Generator<S>& generator, const Discriminator<S>& discriminator, Index count,
                       Random& random, Index tries = 3) {
  require(count >= 1 && tries >= 1, "best samples: expected a count and tries of at least 1, got ", count, " and ",
          tries);
  Tensor<S> candidates({count * tries, generator.latent()});
  random.fill_normal(candidates);
  return generator.sample(best_latents(generator, discriminator, candidates, tries));
}

RIVAL_INSTANTIATE_FUNCTION(best_latents);
RIVAL_INSTANTIATE_FUNCTION(best_samples);

}  // namespace rival
