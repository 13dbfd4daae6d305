#pragma once
// Auxiliary losses: what a discriminator's further outputs, its heads, are for.

#include <algorithm>
#include <functional>
#include <string>

#include "rival/core/labels.hpp"
#include "rival/loss/supervised.hpp"

namespace rival {

/// A loss of the heads {N, heads} that both networks minimise beside the adversarial one.
template <class S = float>
struct AuxiliaryLoss {
  /// Its value; writes `dheads`. `latent` {N, latent} is what the samples were generated from, empty for real ones.
  std::function<S(const Tensor<S>& heads, Labels labels, const Tensor<S>& latent, Tensor<S>& dheads)> loss = {};
  /// Whether the discriminator minimises it for real samples too.
  bool on_real = true;
  std::string name = {};  ///< as in AdversarialLoss
};

/// Softmax cross-entropy of the heads, one a class, with the labels, for real and for generated samples (Odena, Olah
/// and Shlens, "Conditional image synthesis with auxiliary classifier GANs", 2017).
template <class S = float>
AuxiliaryLoss<S> classification(double weight = 1) {
  return {.loss =
              [weight, out = Loss<S>()](const Tensor<S>& heads, Labels labels, const Tensor<S>&,
                                        Tensor<S>& dheads) mutable {
                softmax_cross_entropy(heads, labels, out);
                dheads = out.gradient;
                dheads.array() *= static_cast<S>(weight);
                return static_cast<S>(weight) * out.value;
              },
          .name = internal::concatenate("classification ", weight)};
}

/// What InfoGAN's heads tell, and how much each kind of code counts.
struct InformationOptions {
  Index classes = 10;  ///< of the categorical code: the labels, and as many heads
  Index codes = 2;     ///< continuous codes: the first numbers of the latent vector, and as many heads behind those
  double class_weight = 1;   ///< of the categorical code's cross-entropy
  double code_weight = 0.1;  ///< of the continuous codes' squared distance
};

/// The lower bound of the mutual information between generated samples and the code that they are made of, negated: the
/// categorical code's cross-entropy, and for the continuous codes, taken for normal with a fixed variance around the
/// heads, the mean over the batch of the squared distance, halved (Chen et al., "InfoGAN", 2016). For generated samples
/// alone.
template <class S = float>
AuxiliaryLoss<S> information(const InformationOptions& options = {}) {
  const auto loss = [options, logits = Tensor<S>(), out = Loss<S>()](
                        const Tensor<S>& heads, Labels labels, const Tensor<S>& latent, Tensor<S>& dheads) mutable {
    const Index rows = heads.rows(), classes = options.classes, codes = options.codes;
    require(heads.cols() == classes + codes && latent.cols() >= codes, "information: expected ", classes, " + ", codes,
            " heads and as many codes in the latent vector, got ", heads.shape(), " and ", latent.shape());
    dheads.resize(heads.shape());
    double value = 0;
    if (classes > 0) {
      logits.resize({rows, classes});
      logits.matrix() = heads.matrix().leftCols(classes);
      softmax_cross_entropy(logits, labels, out);
      dheads.matrix().leftCols(classes) = static_cast<S>(options.class_weight) * out.gradient.matrix();
      value = options.class_weight * static_cast<double>(out.value);
    }
    const double share = options.code_weight / static_cast<double>(rows);
    for (Index n = 0; n < rows; ++n)
      for (Index k = 0; k < codes; ++k) {
        const double away = static_cast<double>(heads(n, classes + k)) - static_cast<double>(latent(n, k));
        value += share * away * away / 2;
        dheads(n, classes + k) = static_cast<S>(share * away);
      }
    return static_cast<S>(value);
  };
  return {.loss = loss,
          .on_real = false,
          .name = internal::concatenate("information ", options.classes, ' ', options.codes, ' ', options.class_weight,
                                        ' ', options.code_weight)};
}

RIVAL_INSTANTIATE_FUNCTION(classification);
RIVAL_INSTANTIATE_FUNCTION(information);

}  // namespace rival
