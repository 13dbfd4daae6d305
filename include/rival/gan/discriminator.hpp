#pragma once
// Discriminator: images in, one logit out.

#include <string>
#include <utility>

#include "rival/nn/network.hpp"

namespace rival {

/// A classifier that scores each sample of a batch with one logit: above 0 it takes the sample for real. Behind the
/// logit there may be `heads` further numbers, which an auxiliary loss reads: classes, or the code that a sample was
/// made of.
template <class S = float>
class Discriminator : public Network<S> {
 public:
  /// `sample` is the shape of one sample, such as {28, 28, 1}. Throws Error when the layers do not fit it or each
  /// other, or do not end in 1 + heads numbers.
  Discriminator(const Shape& sample, Sequential<S> layers, const std::string& name = "D", Index heads = 0)
      : Network<S>(name, sample, std::move(layers)), heads_(heads) {
    require(this->output_shape().size() == 1 + heads, "discriminator \"", this->name(),
            "\": expected one logit a sample", heads > 0 ? " and " + std::to_string(heads) + " heads" : "", ", got ",
            this->output_shape());
  }

  /// Numbers of the output behind the score; 0: there is the score alone.
  Index heads() const { return heads_; }

 private:
  Index heads_;
};

RIVAL_INSTANTIATE_CLASS(Discriminator);

}  // namespace rival
