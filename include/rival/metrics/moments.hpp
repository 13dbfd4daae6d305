#pragma once
// Moments: mean and covariance of samples that come in parts.

#include <string_view>

#include "rival/core/finite.hpp"
#include "rival/core/tensor.hpp"
#include "rival/kernels/convolution/weight_gradient.hpp"

namespace rival {

namespace internal {

/// Throws Error, beginning with `what`, unless `features` is {N, D} with N and D >= 1 and all of it finite.
template <class S>
void require_features(std::string_view what, const Tensor<S>& features) {
  require(features.rank() == 2 && features.dim(0) >= 1 && features.dim(1) >= 1, what, ": expected features N x D, got ",
          features.shape());
  for (Index i = 0; i < features.size(); ++i)
    require(is_finite(features[i]), what, ": expected finite features, got ", features[i], " in sample ",
            i / features.dim(1));
}

}  // namespace internal

/// Mean and covariance of vectors {N, D}, in double, of which only a part is in memory at a time:
///
///     mean = sum_i x_i / n;  covariance = sum_i (x_i - mean)(x_i - mean)^T / (n - 1)
///
/// Each part is centred by its own mean before it is added, so that no digits cancel (Chan, Golub and LeVeque, 1979).
class Moments {
 public:
  /// Throws Error unless features >= 1.
  explicit Moments(Index features) : mean_({features}), scatter_({features, features}) {
    require(features >= 1, "moments: expected at least 1 feature, got ", features);
  }

  /// Adds samples {N, features}. Throws Error, and adds nothing, for another shape and for values that are not finite.
  template <class S>
  void add(const Tensor<S>& samples) {
    internal::require_features("moments", samples);
    const Index count = samples.dim(0), features = mean_.size();
    require(samples.dim(1) == features, "moments: expected samples of ", features, " features, got ", samples.dim(1));
    Tensor<double> centred(samples.shape());
    centred.array() = samples.array().template cast<double>();
    const Eigen::RowVectorXd mean = centred.matrix().colwise().mean();
    centred.matrix().rowwise() -= mean;

    const auto n = static_cast<double>(count_), m = static_cast<double>(count);
    const Eigen::RowVectorXd shift = mean - mean_.matrix();
    // The gradient of a dense layer's weights is this very sum.
    kernels::conv_weight_gradient<double>({.batch = count, .in_c = features, .out_c = features}, centred.data(),
                                          centred.data(), scatter_.data());
    scatter_.matrix() += shift.transpose() * shift * (n * m / (n + m));
    mean_.matrix() += shift * (m / (n + m));
    count_ += count;
  }

  /// Samples so far.
  Index count() const { return count_; }
  /// D, the numbers in a sample.
  Index features() const { return mean_.size(); }
  /// {D}; zeros while there are no samples.
  const Tensor<double>& mean() const { return mean_; }
  /// {D, D}. Throws Error while there are fewer than two samples.
  Tensor<double> covariance() const {
    require(count_ >= 2, "moments: expected at least 2 samples for a covariance, got ", count_);
    Tensor<double> covariance(scatter_);
    // Symmetric to the last bit, which what is done with it relies on.
    covariance.matrix() = (scatter_.matrix() + scatter_.matrix().transpose()) / (2 * static_cast<double>(count_ - 1));
    return covariance;
  }

 private:
  Index count_ = 0;
  Tensor<double> mean_, scatter_;
};

}  // namespace rival
