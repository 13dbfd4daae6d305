#pragma once
// Classifier: samples in, a logit for each class out.

#include <algorithm>
#include <string>
#include <utility>

#include "rival/core/labels.hpp"
#include "rival/nn/infer_in_parts.hpp"
#include "rival/nn/network.hpp"

namespace rival {

/// A network that scores each sample of a batch with one logit a class: their softmax is the probability of the class.
///
///     rival::Classifier<> classifier = rival::load_classifier("classifier.safetensors");
///     const rival::Tensor<float> logits = classifier.logits(samples);      // {N, classes}
///     const rival::Tensor<float> features = classifier.features(samples);  // {N, features}
template <class S = float>
class Classifier : public Network<S> {
 public:
  /// `sample` is the shape of one sample, such as {28, 28, 1}. Throws Error when the layers do not fit it or each
  /// other, or do not end in a vector of at least two logits.
  Classifier(const Shape& sample, Sequential<S> layers, const std::string& name = "C")
      : Network<S>(name, sample, std::move(layers)) {
    const Shape out = this->output_shape();
    require(out.rank() == 1 && out.size() >= 2 && out.size() <= most_classes, "classifier \"", this->name(),
            "\": expected 2 to ", most_classes, " logits a sample, got ", out);
    classes_ = out.size();
  }

  /// Number of classes, each with a logit.
  Index classes() const { return classes_; }

  /// The logits {N, classes} of samples {N, ...} in evaluation mode, N >= 1. Throws Error for samples of another shape.
  Tensor<S> logits(const Tensor<S>& samples) const {
    check(samples);
    Tensor<S> all({samples.dim(0), classes_});
    internal::infer_in_parts(*this, samples, {}, [&](Index first, const Tensor<S>& part, const Trace<S>&) {
      std::copy_n(part.data(), part.size(), all.data() + first * classes_);
    });
    return all;
  }

  /// What the last dense layer of the stack itself, not of one within it, reads of each sample, in evaluation mode: {N,
  /// features}, by which samples are compared (Heusel et al., 2017). Throws Error for samples of another shape, and for
  /// a stack without a dense layer.
  Tensor<S> features(const Tensor<S>& samples) const { return features_and_logits(samples).first; }

  /// Both, of one pass.
  std::pair<Tensor<S>, Tensor<S>> features_and_logits(const Tensor<S>& samples) const {
    check(samples);
    const Index count = layers_below_last_dense();
    Shape shape = this->input_shape();
    for (Index i = 0; i < count; ++i) shape = this->layers()[i].output_shape(shape);
    const Index size = shape.size();
    Tensor<S> features({samples.dim(0), size}), logits({samples.dim(0), classes_});
    if (count == 0) std::copy_n(samples.data(), samples.size(), features.data());
    internal::infer_in_parts(*this, samples, {}, [&](Index first, const Tensor<S>& made, const Trace<S>& trace) {
      std::copy_n(made.data(), made.size(), logits.data() + first * classes_);
      if (count == 0) return;
      const Tensor<S>& part = trace.children[static_cast<std::size_t>(count - 1)].output;
      std::copy_n(part.data(), part.size(), features.data() + first * size);
    });
    return {std::move(features), std::move(logits)};
  }

 private:
  void check(const Tensor<S>& samples) const {
    const Shape& shape = samples.shape();
    require(shape.rank() >= 1 && shape[0] >= 1 && shape.sample() == this->input_shape(), "classifier \"", this->name(),
            "\": expected samples of ", this->input_shape(), ", got ", shape);
  }

  // A layer around a dense one, such as spectral norm, reads what it reads.
  static bool is_dense(const Description& layer) {
    return layer.kind == "dense" || (layer.layers.size() == 1 && is_dense(layer.layers[0]));
  }
  Index layers_below_last_dense() const {
    for (Index i = this->layers().size(); i-- > 0;)
      if (is_dense(this->layers()[i].describe())) return i;
    fail("classifier \"", this->name(),
         "\": expected a dense layer, not within another stack, whose input are the features; got none");
  }

  Index classes_;
};

RIVAL_INSTANTIATE_CLASS(Classifier);

}  // namespace rival
