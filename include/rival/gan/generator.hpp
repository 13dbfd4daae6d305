#pragma once
// Generator: latent vectors in, images out.

#include <algorithm>
#include <utility>

#include "rival/nn/infer_in_parts.hpp"
#include "rival/nn/network.hpp"

namespace rival {

/// A network that refines random latent vectors {N, latent}, layer by layer, into samples.
template <class S = float>
class Generator : public Network<S> {
 public:
  /// Throws Error when the layers do not fit a vector of `latent` numbers or each other.
  Generator(Index latent, Sequential<S> layers, const std::string& name = "G")
      : Network<S>(name, {latent}, std::move(layers)) {}

  /// Numbers in a latent vector.
  Index latent() const { return this->input_shape()[0]; }

  /// `count` samples {count, ...} in evaluation mode, from standard normal latent vectors drawn from `random`.
  /// Several threads may sample from one generator, each with a stream of its own.
  Tensor<S> sample(Index count, Random& random, Labels labels = {}) const {
    require(count >= 1, "sample: expected a count of at least 1, got ", count);
    Tensor<S> latents({count, latent()});
    random.fill_normal(latents);
    return sample(latents, labels);
  }

  /// The samples of the given latent vectors {N, latent}, N >= 1, and of the given classes, one a sample, if the
  /// generator depends on them. Those beside it change a sample by no more than rounding.
  Tensor<S> sample(const Tensor<S>& latents, Labels labels = {}) const {
    require(latents.rank() == 2 && latents.dim(0) >= 1 && latents.dim(1) == latent(),
            "sample: expected latent vectors of ", latent(), ", got ", latents.shape());
    require(labels.empty() || static_cast<Index>(labels.size()) == latents.dim(0), "sample: expected ", latents.dim(0),
            " labels, one a latent vector, got ", labels.size());
    Tensor<S> samples;
    samples.resize(this->output_shape().batch(latents.dim(0)));
    const Index size = samples.shape().sample().size();
    internal::infer_in_parts(*this, latents, labels, [&](Index first, const Tensor<S>& made, const Trace<S>&) {
      std::copy_n(made.data(), made.size(), samples.data() + first * size);
    });
    return samples;
  }
};

RIVAL_INSTANTIATE_CLASS(Generator);

}  // namespace rival
