#pragma once
// Who is near to whom: distances between all vectors of two sets, a block of rows at a time.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "rival/core/parallel.hpp"
#include "rival/kernels/tile/matrix_product.hpp"
#include "rival/metrics/moments.hpp"

namespace rival {

namespace internal {

/// Vectors {N, D} in double and the squares of their lengths, with `centre` taken away, so that squares of distances
/// lose few digits.
struct Centred {
  Tensor<double> vectors;
  std::vector<double> squares;

  template <class S>
  Centred(const Tensor<S>& from, const Eigen::RowVectorXd& centre) : vectors(from.shape()) {
    vectors.array() = from.array().template cast<double>();
    vectors.matrix().rowwise() -= centre;
    for (Index i = 0; i < vectors.dim(0); ++i) squares.push_back(vectors.matrix().row(i).squaredNorm());
  }
  Index count() const { return vectors.dim(0); }
};

template <class S>
Eigen::RowVectorXd centre_of(const Tensor<S>& vectors) {
  return vectors.matrix().template cast<double>().colwise().mean();
}

/// Calls visit(i, squares) for each vector i of `a`, on any thread: the squares of its distances to all of `b`.
template <class Visit>
void for_each_row_of_distances(const Centred& a, const Centred& b, const Visit& visit) {
  constexpr Index rows_together = 256;
  const Index columns = b.count(), length = a.vectors.dim(1);
  Tensor<double> products({std::min(rows_together, a.count()), columns});
  for (Index begin = 0; begin < a.count(); begin += rows_together) {
    const Index rows = std::min(rows_together, a.count() - begin);
    kernels::matrix_product<double>(rows, length, columns, a.vectors.data() + begin * length, b.vectors.data(), true,
                                    products.data(), {});
    parallel_for(rows, 4.0 * static_cast<double>(rows * columns), [&](Index r) {
      double* row = products.data() + r * columns;
      const double square = a.squares[static_cast<std::size_t>(begin + r)];
      for (Index j = 0; j < columns; ++j)
        row[j] = std::max(0.0, square + b.squares[static_cast<std::size_t>(j)] - 2 * row[j]);
      visit(begin + r, row);
    });
  }
}

/// The squares of the distances from each vector to its k-th nearest other one of the set.
inline std::vector<double> radii(const Centred& set, Index k) {
  std::vector<double> all(static_cast<std::size_t>(set.count()));
  for_each_row_of_distances(set, set, [&](Index i, double* squares) {
    squares[i] = std::numeric_limits<double>::infinity();  // not to itself
    std::nth_element(squares, squares + k - 1, squares + set.count());
    all[static_cast<std::size_t>(i)] = squares[k - 1];
  });
  return all;
}

template <class S>
void require_same_features(std::string_view what, const Tensor<S>& real, const Tensor<S>& generated) {
  require_features(what, real);
  require_features(what, generated);
  require(real.dim(1) == generated.dim(1), what, ": expected the same number of features, got ", real.dim(1), " and ",
          generated.dim(1));
}

}  // namespace internal

/// How far around a sample its set is taken to reach.
struct ManifoldOptions {
  Index nearest = 3;  ///< k: a sample's ball reaches to its k-th nearest neighbour
};

/// How the samples of two sets lie among each other.
struct ManifoldMetrics {
  double precision = 0;  ///< share of the generated ones that lie in a ball of a real one
  double recall = 0;     ///< share of the real ones that lie in a ball of a generated one
  double density = 0;    ///< balls of real ones that a generated one lies in, over k, in the mean; may be above 1
  double coverage = 0;   ///< share of the real ones with a generated one in their ball
};

/// Precision and recall (Kynkaanniemi, Karras, Laine, Lehtinen and Aila, "Improved precision and recall metric for
/// assessing generative models", 2019), density and coverage (Naeem, Oh, Uh, Choi and Yoo, "Reliable fidelity and
/// diversity metrics for generative models", 2020) of features {N, D} and {M, D}. A ball holds what is no farther from
/// its centre than the k-th nearest other sample of the centre's own set.
///
/// Throws Error when the features differ in number, and unless there are more than k samples on both sides, k >= 1.
template <class S>
ManifoldMetrics manifold_metrics(const Tensor<S>& real, const Tensor<S>& generated, const ManifoldOptions& o = {}) {
  internal::require_same_features("manifold_metrics", real, generated);
  const Index least = std::min(real.dim(0), generated.dim(0));
  require(o.nearest >= 1 && o.nearest < least, "manifold_metrics: expected `nearest` from 1 to ", least - 1,
          ", below both numbers of samples, got ", o.nearest);
  const Eigen::RowVectorXd centre = internal::centre_of(real);
  const internal::Centred reals(real, centre), fakes(generated, centre);
  const std::vector<double> of_real = internal::radii(reals, o.nearest), of_fake = internal::radii(fakes, o.nearest);

  // By real sample: whether it lies in a fake's ball, and how many fakes lie in its own. By fake: whether it lies in a
  // real one's ball.
  std::vector<char> recalled(of_real.size()), precise(of_fake.size());
  std::vector<Index> held(of_real.size());
  internal::for_each_row_of_distances(reals, fakes, [&](Index i, const double* squares) {
    const auto at = static_cast<std::size_t>(i);
    for (std::size_t j = 0; j < of_fake.size(); ++j) {
      recalled[at] = static_cast<char>(recalled[at] | (squares[j] <= of_fake[j]));
      held[at] += squares[j] <= of_real[at];
    }
  });
  internal::for_each_row_of_distances(fakes, reals, [&](Index j, const double* squares) {
    for (std::size_t i = 0; i < of_real.size(); ++i)
      if (squares[i] <= of_real[i]) {
        precise[static_cast<std::size_t>(j)] = 1;
        break;
      }
  });
  const auto share = [](const auto& flags) {
    return static_cast<double>(flags.size() - static_cast<std::size_t>(std::count(flags.begin(), flags.end(), 0))) /
           static_cast<double>(flags.size());
  };
  double pairs = 0;
  for (const Index count : held) pairs += static_cast<double>(count);
  return {share(precise), share(recalled), pairs / static_cast<double>(o.nearest * generated.dim(0)), share(held)};
}

/// For each of `samples` {N, D} the nearest of `among` {M, D}: its number and its distance. On features or pixels it
/// shows what a generator has learnt by heart.
struct Nearest {
  std::vector<Index> which;      ///< the row of `among`, for each of the samples
  std::vector<double> distance;  ///< Euclidean
};
/// Throws Error when the features differ in number. Of several that are equally near it is the first.
template <class S>
Nearest nearest(const Tensor<S>& samples, const Tensor<S>& among) {
  internal::require_same_features("nearest", among, samples);
  const Eigen::RowVectorXd centre = internal::centre_of(among);
  const internal::Centred from(samples, centre), to(among, centre);
  Nearest found{std::vector<Index>(static_cast<std::size_t>(from.count())),
                std::vector<double>(static_cast<std::size_t>(from.count()))};
  internal::for_each_row_of_distances(from, to, [&](Index i, const double* squares) {
    const double* least = std::min_element(squares, squares + to.count());
    found.which[static_cast<std::size_t>(i)] = least - squares;
    found.distance[static_cast<std::size_t>(i)] = std::sqrt(*least);
  });
  return found;
}

}  // namespace rival
