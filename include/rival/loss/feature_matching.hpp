#pragma once
#include "rival/loss/loss.hpp"
namespace rival {
template <class S>
S feature_matching(const Tensor<S>& real, const Tensor<S>& fake, Tensor<S>& dfake) {
  const Index rows = fake.dim(0), size = fake.size() / rows;
  dfake.resize(fake.shape());
  MatrixMap<S> d(dfake.data(), rows, size);
  const auto away = (ConstMatrixMap<S>(fake.data(), rows, size).colwise().mean() - ConstMatrixMap<S>(real.data(), real.dim(0), size).colwise().mean()).eval();
  d.rowwise() = S(2) / static_cast<S>(rows) * away;
  return away.squaredNorm();
}
}  // namespace rival
