#pragma once
// Generator: latent vectors in, images out.

#include <algorithm>
#include <utility>

#include "rival/core/parallel.hpp"
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
    const Index count = latents.dim(0), size = this->output_shape().size();
    const Index chunks = (count + most_at_once() - 1) / most_at_once();
    Tensor<S> samples, part;
    samples.resize(this->output_shape().batch(count));
    Trace<S> trace;
    for (Index chunk = 0; chunk < chunks; ++chunk) {
      const Index first = part_begin(count, chunks, chunk);
      part.resize({part_begin(count, chunks, chunk + 1) - first, latent()});
      std::copy_n(latents.data() + first * latent(), part.size(), part.data());
      const auto place = static_cast<std::size_t>(first), length = static_cast<std::size_t>(part.dim(0));
      const Tensor<S>& made = this->infer(part, trace, labels.empty() ? labels : labels.subspan(place, length));
      std::copy_n(made.data(), made.size(), samples.data() + first * size);
    }
    return samples;
  }

 private:
  /// Samples that go through the network side by side: so many that the largest layer's activations take about 4 MB.
  /// Ten thousand samples need no more memory than that, and what stays in the caches is done sooner.
  Index most_at_once() const {
    constexpr Index bytes = 4 << 20, most = 256;
    Index largest = latent();
    Shape shape = this->input_shape();
    for (Index i = 0; i < this->layers().size(); ++i) {
      shape = this->layers()[i].output_shape(shape);
      largest = std::max(largest, shape.size());
    }
    return std::clamp<Index>(bytes / static_cast<Index>(sizeof(S)) / largest, 1, most);
  }
};

RIVAL_INSTANTIATE_CLASS(Generator);

}  // namespace rival
