#pragma once
// BatchNorm: each channel to mean 0 and variance 1, then to a learnt scale and shift.

#include <memory>
#include <string>
#include <string_view>

#include "rival/kernels/reduce.hpp"
#include "rival/layers/batch_statistics.hpp"

namespace rival {

/// What a BatchNorm normalises, and how.
struct BatchNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< how far the running statistics move to each training batch's

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("features", o.features);
    f("epsilon", o.epsilon);
    f("momentum", o.momentum);
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, for every feature over all its values in the batch
/// (Ioffe and Szegedy, 2015). Training takes the batch's mean and (biased) variance and moves the running ones towards
/// its mean and unbiased variance; evaluation takes the running ones.
template <class S = float>
class BatchNorm : public internal::BatchStatistics<S> {
 public:
  using Options = BatchNormOptions;  ///< what it is made from
  /// Throws Error unless features > 0, epsilon > 0 and 0 <= momentum <= 1.
  explicit BatchNorm(const BatchNormOptions& options)
      : internal::BatchStatistics<S>("batch_norm", options.features, options.epsilon, options.momentum),
        options_(options),
        weight_("weight", {options.features}),
        bias_("bias", {options.features}) {
    weight_.value.fill(S(1));
  }

  std::string_view short_name() const override { return "bn"; }
  Description describe() const override { return rival::describe("batch_norm", options_); }

  /// The scale of every feature, {features}; 1 at first.
  Parameter<S>& weight() { return weight_; }
  /// The shift of every feature, {features}; 0 at first.
  Parameter<S>& bias() { return bias_; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    this->take_statistics(x, trace, pass.mode);
    const ChannelMap<S> map = channel_map(trace.saved[this->saved_mean], trace.saved[this->saved_variance], trace);
    kernels::scale_and_shift(x.rows(), this->features(), x.data(), map.scale, map.shift, pass.slope,
                             trace.output.data());
    return trace.output;
  }
  ChannelMap<S> channel_map(Trace<S>& trace) const override {
    return channel_map(this->mean_.value, this->variance_.value, trace);
  }

  /// With x^ = (x - mean) / s, s = sqrt(variance + epsilon) and `<z>` the mean of z over a feature's values:
  ///
  ///     dweight += sum of dy x^,  dbias += sum of dy,  dx = weight / s (dy - <dy> - x^ <dy x^>)
  ///
  /// In evaluation dx = weight / s dy.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    const Index rows = x.rows(), features = this->features();
    const bool train = trace.mode == Mode::train;
    const auto mean = trace.saved[this->saved_mean].array();
    Tensor<S>& sums = trace.save(saved_sums, {2, features});
    Tensor<S>& factors = trace.saved[saved_factors];
    ArrayMap<S> sum(sums.data(), features), product(sums.data() + features, features);
    ArrayMap<S> on_dy(factors.data(), features), on_x(factors.data() + features, features),
        constant(factors.data() + 2 * features, features);
    if (train || pass.parameters) {
      kernels::centred_gradient_sums(rows, features, dy.data(), x.data(), trace.saved[this->saved_mean].data(),
                                     sum.data(), product.data());
      product *= this->inverse_deviation(trace);  // sum of dy x^
    }
    if (pass.parameters) {
      weight_.grad.array() += product;
      bias_.grad.array() += sum;
    }
    if (!dx) return;
    on_dy = weight_.value.array() * this->inverse_deviation(trace);
    if (train) {
      on_x = -on_dy * this->inverse_deviation(trace) * product / static_cast<S>(rows);
      constant = -on_dy * sum / static_cast<S>(rows) - mean * on_x;
    } else {
      on_x.setZero();
      constant.setZero();
    }
    dx->resize(x.shape());
    kernels::combine_gradient(rows, features, dy.data(), x.data(), on_dy.data(), on_x.data(), constant.data(),
                              pass.slope, dx->data());
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
    this->collect_statistics(state);
  }
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
    this->reset_statistics();
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BatchNorm>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    internal::BatchStatistics<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
  }

 private:
  static constexpr std::size_t saved_factors = internal::BatchStatistics<S>::first_place,
                               saved_sums = saved_factors + 1;

  /// scale = weight / sqrt(variance + epsilon), shift = bias - mean * scale.
  ChannelMap<S> channel_map(const Tensor<S>& mean, const Tensor<S>& variance, Trace<S>& trace) const {
    const Index features = this->features();
    Tensor<S>& factors = trace.save(saved_factors, {3, features});
    ArrayMap<S> scale(factors.data(), features), shift(factors.data() + features, features);
    scale = weight_.value.array() * (variance.array() + this->epsilon()).sqrt().inverse();
    shift = bias_.value.array() - mean.array() * scale;
    return {scale.data(), shift.data()};
  }

  BatchNormOptions options_;
  Parameter<S> weight_, bias_;
};

RIVAL_INSTANTIATE_CLASS(BatchNorm);

}  // namespace rival
