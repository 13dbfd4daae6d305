#pragma once
// The Frechet distance between the features of generated and of real samples.

#include <algorithm>
#include <cmath>

#include "rival/core/eigenvalues.hpp"
#include "rival/metrics/moments.hpp"

namespace rival {

namespace internal {

using Symmetric = Eigen::MatrixXd;

/// The root of a positive semidefinite matrix: V sqrt(max(l, 0)) V^T. Rounding may leave eigenvalues a little below 0.
inline Symmetric root(const Symmetric& a) {
  const Eigen::SelfAdjointEigenSolver<Symmetric> solved(a);
  require(solved.info() == Eigen::Success, "frechet_distance: the eigenvalues of a covariance cannot be found");
  const Eigen::VectorXd roots = solved.eigenvalues().cwiseMax(0).cwiseSqrt();
  return solved.eigenvectors() * roots.asDiagonal() * solved.eigenvectors().transpose();
}

}  // namespace internal

/// |m_a - m_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), the squared Frechet distance of two normal distributions with
/// these means and covariances (Dowson and Landau, "The Frechet distance between multivariate normal distributions",
/// 1982; for GANs: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, 2017). In double, by decompositions of
/// symmetric matrices alone, whose negative eigenvalues count as 0.
///
/// It falls with the number of samples, so only values of the same number compare. Throws Error when the features
/// differ in number, and when there are fewer samples than features, whose covariance says nothing.
inline double frechet_distance(const Moments& a, const Moments& b) {
  require(a.features() == b.features(), "frechet_distance: expected the same number of features, got ", a.features(),
          " and ", b.features());
  for (const Moments* m : {&a, &b})
    require(m->count() >= std::max<Index>(2, m->features()), "frechet_distance: expected at least as many samples as ",
            m->features(), " features, and 2, got ", m->count());
  const internal::Symmetric x = a.covariance().matrix(), y = b.covariance().matrix();
  const internal::Symmetric root = internal::root(x);
  internal::Symmetric middle = root * y * root;
  middle = (middle + middle.transpose().eval()) / 2;
  const Eigen::SelfAdjointEigenSolver<internal::Symmetric> solved(middle, Eigen::EigenvaluesOnly);
  require(solved.info() == Eigen::Success, "frechet_distance: the eigenvalues of a covariance cannot be found");
  const double cross = solved.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
  const double means = (a.mean().array() - b.mean().array()).square().sum();
  return std::max(0.0, means + x.trace() + y.trace() - 2 * cross);
}

/// The same of features {N, D}.
template <class S>
double frechet_distance(const Tensor<S>& a, const Tensor<S>& b) {
  internal::require_features("frechet_distance", a);
  internal::require_features("frechet_distance", b);
  Moments of_a(a.dim(1)), of_b(b.dim(1));
  of_a.add(a);
  of_b.add(b);
  return frechet_distance(of_a, of_b);
}

}  // namespace rival
