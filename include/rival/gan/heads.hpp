#pragma once
// Heads: the columns of a discriminator's output, taken apart for two losses and put together again.

#include "rival/loss/auxiliary.hpp"

namespace rival::internal {

/// The output {N, 1 + heads} of one pass: the score and what an auxiliary loss reads. Without heads nothing is copied.
template <class S>
class Heads {
 public:
  /// The scores {N, 1}, or of the output's own shape without heads.
  const Tensor<S>& scores(const Tensor<S>& output) {
    const Index rows = output.dim(0), columns = output.size() / rows;
    if (columns == 1) return output;
    scores_.resize({rows, 1});
    heads_.resize({rows, columns - 1});
    const ConstMatrixMap<S> all(output.data(), rows, columns);
    scores_.matrix() = all.leftCols(1);
    heads_.matrix() = all.rightCols(columns - 1);
    shape_ = output.shape();
    return scores_;
  }

  /// The auxiliary loss of the pass, 0 without one.
  S loss(AuxiliaryLoss<S>& auxiliary, Labels labels, const Tensor<S>& latent) {
    if (!auxiliary.loss) return S(0);
    const S loss = auxiliary.loss(heads_, labels, latent, dheads_);
    require(dheads_.shape() == heads_.shape(), "trainer: expected the auxiliary loss to write a gradient of ",
            heads_.shape(), ", got ", dheads_.shape());
    return loss;
  }

  /// The gradient with respect to the output: that of the scores and, if `with_heads`, the one that `loss` left.
  const Tensor<S>& gradient(const Tensor<S>& dscores, bool with_heads) {
    if (heads_.empty()) return dscores;
    gradient_.resize(shape_);
    MatrixMap<S> all(gradient_.data(), heads_.rows(), 1 + heads_.cols());
    all.leftCols(1) = dscores.matrix();
    if (with_heads)
      all.rightCols(heads_.cols()) = dheads_.matrix();
    else
      all.rightCols(heads_.cols()).setZero();
    return gradient_;
  }

 private:
  Shape shape_;
  Tensor<S> scores_, heads_, dheads_, gradient_;
};

RIVAL_INSTANTIATE_CLASS(Heads);

}  // namespace rival::internal
