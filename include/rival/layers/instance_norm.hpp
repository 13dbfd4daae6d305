#pragma once
// InstanceNorm: each channel of each image to mean 0 and variance 1.

#include "rival/layers/group_norm.hpp"

namespace rival {

/// What an InstanceNorm normalises, and how.
struct InstanceNormOptions {
  Index features = 0;     ///< channels
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = false;    ///< whether there are a weight and a bias to learn for each channel

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("affine", o.affine);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon), with the mean and variance of each channel of each image over its pixels
/// (Ulyanov, Vedaldi and Lempitsky, 2016); with `affine` times a weight plus a bias. It is GroupNorm with a group for
/// each channel. Vectors and images of one pixel have no variance to divide by, and are refused.
template <class S = float>
class InstanceNorm : public internal::SampleNorm<S> {
 public:
  using Options = InstanceNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0 and epsilon > 0.
  explicit InstanceNorm(const InstanceNormOptions& options)
      : internal::SampleNorm<S>("instance_norm", {.groups = options.features,
                                                  .features = options.features,
                                                  .epsilon = options.epsilon,
                                                  .affine = options.affine}) {}

  std::string_view short_name() const override { return "in"; }
  Description describe() const override {
    const GroupNormOptions& o = this->options();
    return rival::describe("instance_norm",
                           InstanceNormOptions{.features = o.features, .epsilon = o.epsilon, .affine = o.affine});
  }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<InstanceNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_CLASS(InstanceNorm);

}  // namespace rival
