#pragma once
// Discriminator: images in, one logit out.

#include <utility>

#include "rival/nn/network.hpp"

namespace rival {

/// A classifier that scores each sample of a batch with one logit: above 0 it takes the sample for real.
template <class S = float>
class Discriminator : public Network<S> {
 public:
  /// `sample` is the shape of one sample, such as {28, 28, 1}. Throws Error when the layers do not fit it or each other,
  /// or do not end in one number.
  Discriminator(const Shape& sample, Sequential<S> layers, const std::string& name = "D")
      : Network<S>(name, sample, std::move(layers)) {
    require(this->output_shape().size() == 1, "discriminator \"", this->name(), "\": expected one logit a sample, got ",
            this->output_shape());
  }
};

}  // namespace rival
