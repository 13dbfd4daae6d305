#pragma once
// LayerNorm: each sample to mean 0 and variance 1, then to a learnt scale and shift of each channel.

#include "rival/layers/group_norm.hpp"

namespace rival {

/// What a LayerNorm normalises, and how.
struct LayerNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = true;     ///< whether there are a weight and a bias to learn for each channel

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("affine", o.affine);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, with the mean and variance of all values of one sample:
/// all features of a vector, all channels of all pixels of an image (Ba, Kiros and Hinton, 2016). Weight and bias are
/// each feature's or channel's, and the same at all pixels. It is GroupNorm with one group, and what WGAN-GP puts in
/// the place of batch norm (Gulrajani et al., 2017). For images it is not the normalisation of each pixel by itself
/// that transformers use.
template <class S = float>
class LayerNorm : public internal::SampleNorm<S> {
 public:
  using Options = LayerNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0 and epsilon > 0.
  explicit LayerNorm(const LayerNormOptions& options)
      : internal::SampleNorm<S>(
            "layer_norm",
            {.groups = 1, .features = options.features, .epsilon = options.epsilon, .affine = options.affine}) {}

  std::string_view short_name() const override { return "ln"; }
  Description describe() const override {
    const GroupNormOptions& o = this->options();
    return rival::describe("layer_norm",
                           LayerNormOptions{.features = o.features, .epsilon = o.epsilon, .affine = o.affine});
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<LayerNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(LayerNorm);

}  // namespace rival
