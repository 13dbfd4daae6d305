#pragma once
// BatchStatistics: what the kinds of batch norm share, the moments of each feature and their running values.

#include <string>
#include <string_view>

#include "rival/kernels/reduce.hpp"
#include "rival/nn/layer.hpp"

namespace rival::internal {

/// A layer that normalises each feature over all its values in the batch: in training by the batch's mean and (biased)
/// variance, and `commit` moves the running ones towards its mean and unbiased variance; in evaluation by the running
/// ones.
template <class S>
class BatchStatistics : public Layer<S> {
 public:
  std::string_view kind() const override { return kind_; }

  Buffer<S>& mean() { return mean_; }
  Buffer<S>& variance() { return variance_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() == features_, *this, ": expected ", features_,
            " features on the last axis, got ", input);
    return input;
  }

  Curvature curvature() const override {
    fail(*this,
         ": a gradient penalty needs scores that do not depend on the other samples of the batch, and batch norm mixes "
         "them; use LayerNorm, GroupNorm, InstanceNorm or no normalisation in the discriminator");
  }

  void commit(const Trace<S>& trace) override {
    if (trace.mode != Mode::train) return;
    const auto rows = static_cast<S>(trace.input->rows());
    mean_.value.array() += momentum_ * (trace.saved[saved_mean].array() - mean_.value.array());
    variance_.value.array() +=
        momentum_ * (trace.saved[saved_variance].array() * (rows / (rows - S(1))) - variance_.value.array());
  }

  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    mean_.name = name + ".mean";
    variance_.name = name + ".variance";
  }

 protected:
  /// Throws Error unless features > 0, epsilon > 0 and 0 <= momentum <= 1.
  BatchStatistics(std::string_view kind, Index features, double epsilon, double momentum)
      : kind_(kind), features_(features), epsilon_(static_cast<S>(epsilon)), momentum_(static_cast<S>(momentum)) {
    require(features > 0, kind, ": expected positive `features`, got ", features);
    require(epsilon_ > S(0), kind, ": expected a positive `epsilon`, got ", epsilon);
    require(momentum >= 0 && momentum <= 1, kind, ": expected `momentum` in [0, 1], got ", momentum);
    mean_ = {"mean", Tensor<S>({features})};
    variance_ = {"variance", Tensor<S>({features}, S(1))};
  }

  Index features() const { return features_; }
  S epsilon() const { return epsilon_; }

  void collect_statistics(State<S>& state) { state.buffers.insert(state.buffers.end(), {&mean_, &variance_}); }
  void reset_statistics() {
    mean_.value.fill(S(0));
    variance_.value.fill(S(1));
  }

  /// Begins a forward pass: checks x and leaves in `trace` the moments to normalise by.
  void take_statistics(const Tensor<S>& x, Trace<S>& trace, Mode mode) const {
    output_shape(x.shape().sample());
    require(mode == Mode::eval || x.rows() > 1, *this, ": expected more than one value a feature to train on, got ",
            x.shape());
    trace.input = &x;
    trace.mode = mode;
    trace.output.resize(x.shape());
    Tensor<S>& mean = trace.save(saved_mean, {features_});
    Tensor<S>& variance = trace.save(saved_variance, {features_});
    if (mode == Mode::train) {
      kernels::column_moments(x.rows(), features_, x.data(), mean.data(), variance.data());
    } else {
      mean = mean_.value;
      variance = variance_.value;
    }
  }
  auto inverse_deviation(const Trace<S>& trace) const {
    return (trace.saved[saved_variance].array() + epsilon_).sqrt().inverse();
  }

  static constexpr std::size_t saved_mean = 0, saved_variance = 1;
  static constexpr std::size_t first_place = 2;  // of Trace::saved that a derived class may use
  Buffer<S> mean_, variance_;

 private:
  std::string_view kind_;
  Index features_;
  S epsilon_, momentum_;
};

RIVAL_INSTANTIATE_CLASS(BatchStatistics);

}  // namespace rival::internal
