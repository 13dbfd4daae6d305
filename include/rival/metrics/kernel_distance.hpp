#pragma once
// The kernel distance between the features of generated and of real samples.

#include <algorithm>
#include <vector>

#include "rival/core/random.hpp"
#include "rival/metrics/estimate.hpp"
#include "rival/metrics/neighbours.hpp"

namespace rival {

namespace internal {

/// Sum of (x y^T / D + 1)^3 over all pairs of rows; without i = j if `others`.
inline double kernel_sum(const Tensor<double>& x, const Tensor<double>& y, bool others) {
  const Index rows = x.dim(0), columns = y.dim(0), length = x.dim(1);
  Tensor<double> products({rows, columns});
  kernels::matrix_product<double>(rows, length, columns, x.data(), y.data(), true, products.data(), {});
  std::vector<double> sums(static_cast<std::size_t>(rows));
  parallel_for(rows, 4.0 * static_cast<double>(rows * columns), [&](Index i) {
    const double* row = products.data() + i * columns;
    double sum = 0;
    for (Index j = 0; j < columns; ++j) {
      const double base = row[j] / static_cast<double>(length) + 1;
      if (!others || i != j) sum += base * base * base;
    }
    sums[static_cast<std::size_t>(i)] = sum;
  });
  double sum = 0;
  for (const double of_row : sums) sum += of_row;
  return sum;
}

inline double kernel_distance(const Tensor<double>& x, const Tensor<double>& y) {
  const auto n = static_cast<double>(x.dim(0)), m = static_cast<double>(y.dim(0));
  return kernel_sum(x, x, true) / (n * (n - 1)) + kernel_sum(y, y, true) / (m * (m - 1)) -
         2 * kernel_sum(x, y, false) / (n * m);
}

}  // namespace internal

/// The unbiased estimate of the squared maximum mean discrepancy under the kernel k(x, y) = (x^T y / D + 1)^3:
///
///     mean over i != j of k(x_i, x_j) + mean over i != j of k(y_i, y_j) - 2 mean of k(x_i, y_j)
///
/// of features {N, D} and {M, D} (Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", 2018). It may be
/// below 0. Throws Error when the features differ in number, and for fewer than two samples on a side.
template <class S>
double kernel_distance(const Tensor<S>& real, const Tensor<S>& generated) {
  internal::require_same_features("kernel_distance", real, generated);
  require(real.dim(0) >= 2 && generated.dim(0) >= 2, "kernel_distance: expected at least 2 samples a side, got ",
          real.dim(0), " and ", generated.dim(0));
  const Eigen::RowVectorXd none = Eigen::RowVectorXd::Zero(real.dim(1));
  return internal::kernel_distance(internal::Centred(real, none).vectors, internal::Centred(generated, none).vectors);
}

/// What the distance is averaged over.
struct KernelDistanceOptions {
  Index subsets = 100;   ///< drawn independently of each other
  Index samples = 1000;  ///< in each, of either side; all of a side that has fewer
};

/// Its mean over subsets that are drawn without putting back, as the paper has it, and the spread from subset to
/// subset: the number does not depend on how many samples there are.
template <class S>
Estimate kernel_distance(const Tensor<S>& real, const Tensor<S>& generated, const KernelDistanceOptions& o,
                         Random random) {
  internal::require_same_features("kernel_distance", real, generated);
  require(o.subsets >= 1 && o.samples >= 2, "kernel_distance: expected at least 1 subset of at least 2 samples, got ",
          o.subsets, " of ", o.samples);
  require(real.dim(0) >= 2 && generated.dim(0) >= 2, "kernel_distance: expected at least 2 samples a side, got ",
          real.dim(0), " and ", generated.dim(0));
  std::vector<Index> order;
  const auto subset = [&](const Tensor<S>& of) {
    random.permutation(of.dim(0), order);
    const Index count = std::min(o.samples, of.dim(0));
    Tensor<double> chosen({count, of.dim(1)});
    for (Index i = 0; i < count; ++i)
      chosen.matrix().row(i) = of.matrix().row(order[static_cast<std::size_t>(i)]).template cast<double>();
    return chosen;
  };
  std::vector<double> values;
  for (Index i = 0; i < o.subsets; ++i) {
    const Tensor<double> x = subset(real), y = subset(generated);
    values.push_back(internal::kernel_distance(x, y));
  }
  return estimate(values);
}

}  // namespace rival
