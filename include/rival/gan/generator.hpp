#pragma once
// Generator: latent vectors in, images out.

#include <algorithm>
#include <utility>

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
  Tensor<S> sample(Index count, Random& random) const {
    require(count >= 1, "sample: expected a count of at least 1, got ", count);
    Tensor<S> latents({count, latent()});
    random.fill_normal(latents);
    return sample(latents);
  }

  /// The samples of the given latent vectors {N, latent}.
  Tensor<S> sample(const Tensor<S>& latents) const {
    require(latents.rank() == 2 && latents.dim(1) == latent(), "sample: expected latent vectors of ", latent(), ", got ",
            latents.shape());
    // By chunks, so that the activations of ten thousand samples need no more memory than those of one chunk.
    constexpr Index chunk = 128;
    const Index count = latents.dim(0), size = this->output_shape().size();
    Tensor<S> samples(this->output_shape().batch(count)), part;
    Trace<S> trace;
    for (Index first = 0; first < count; first += chunk) {
      part.resize({std::min(chunk, count - first), latent()});
      std::copy_n(latents.data() + first * latent(), part.size(), part.data());
      const Tensor<S>& made = this->infer(part, trace);
      std::copy_n(made.data(), made.size(), samples.data() + first * size);
    }
    return samples;
  }
};

}  // namespace rival
