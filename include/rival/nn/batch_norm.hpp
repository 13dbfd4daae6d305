#pragma once
// BatchNorm: each channel to mean 0 and variance 1, then to a learnt scale and shift.

#include <algorithm>
#include <string>

#include "rival/kernels/reduce.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

struct BatchNormOptions {
  Index features = 0;     ///< the last axis: channels of images, columns of vectors
  double epsilon = 1e-5;  ///< added to the variance
  double momentum = 0.1;  ///< how far the running statistics move to each training batch's
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, for every feature over all its values in the batch
/// (Ioffe and Szegedy, 2015). Training takes the batch's mean and (biased) variance and moves the running ones towards its
/// mean and unbiased variance; evaluation takes the running ones.
template <class S = float>
class BatchNorm : public Layer<S> {
 public:
  /// Throws Error unless features > 0, epsilon > 0 and 0 <= momentum <= 1.
  explicit BatchNorm(const BatchNormOptions& options) : options_(options) {
    require(options.features > 0, "batch_norm: expected positive `features`, got ", options.features);
    require(options.epsilon > 0, "batch_norm: expected a positive `epsilon`, got ", options.epsilon);
    require(options.momentum >= 0 && options.momentum <= 1, "batch_norm: expected `momentum` in [0, 1], got ",
            options.momentum);
    const Shape shape{options.features};
    weight_ = Parameter<S>("weight", shape);
    weight_.value.fill(S(1));
    bias_ = Parameter<S>("bias", shape);
    mean_ = {"mean", Tensor<S>(shape)};
    variance_ = {"variance", Tensor<S>(shape, S(1))};
  }

  std::string_view kind() const override { return "batch_norm"; }
  std::string_view short_name() const override { return "bn"; }

  Parameter<S>& weight() { return weight_; }
  Parameter<S>& bias() { return bias_; }
  Buffer<S>& mean() { return mean_; }
  Buffer<S>& variance() { return variance_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() == options_.features, *this, ": expected ", options_.features,
            " features on the last axis, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Index rows = x.rows(), features = options_.features;
    output_shape(x.shape().sample());
    require(pass.mode == Mode::eval || rows > 1, *this, ": expected more than one value a feature to train on, got ",
            x.shape());
    trace.input = &x;
    trace.mode = pass.mode;
    trace.output.resize(x.shape());
    Tensor<S>& mean = trace.save(saved_mean, {features});
    Tensor<S>& variance = trace.save(saved_variance, {features});
    if (pass.mode == Mode::train) {
      kernels::column_moments(rows, features, x.data(), mean.data(), variance.data());
    } else {
      mean = mean_.value;
      variance = variance_.value;
    }
    const ChannelMap<S> map = channel_map(mean, variance, trace);
    kernels::scale_and_shift(rows, features, x.data(), map.scale, map.shift, pass.slope, trace.output.data());
    return trace.output;
  }
  ChannelMap<S> channel_map(Trace<S>& trace) const override { return channel_map(mean_.value, variance_.value, trace); }

  /// With x^ = (x - mean) / s, s = sqrt(variance + epsilon) and <.> the mean over a feature's values:
  /// dweight += sum of dy x^, dbias += sum of dy, dx = weight / s (dy - <dy> - x^ <dy x^>); in evaluation dx = weight / s dy.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    const Tensor<S>& x = *trace.input;
    const Index rows = x.rows(), features = options_.features;
    const bool train = trace.mode == Mode::train;
    const auto mean = trace.saved[saved_mean].array();
    Tensor<S>& sums = trace.save(saved_sums, {2, features});
    Tensor<S>& factors = trace.saved[saved_factors];
    ArrayMap<S> sum(sums.data(), features), product(sums.data() + features, features);
    ArrayMap<S> on_dy(factors.data(), features), on_x(factors.data() + features, features),
        constant(factors.data() + 2 * features, features);
    if (train || pass.parameters) {
      kernels::centred_gradient_sums(rows, features, dy.data(), x.data(), trace.saved[saved_mean].data(), sum.data(),
                                     product.data());
      product *= inverse_deviation(trace);  // sum of dy x^
    }
    if (pass.parameters) {
      weight_.grad.array() += product;
      bias_.grad.array() += sum;
    }
    if (!dx) return;
    on_dy = weight_.value.array() * inverse_deviation(trace);
    if (train) {
      on_x = -on_dy * inverse_deviation(trace) * product / static_cast<S>(rows);
      constant = -on_dy * sum / static_cast<S>(rows) - mean * on_x;
    } else {
      on_x.setZero();
      constant.setZero();
    }
    dx->resize(x.shape());
    kernels::combine_gradient(rows, features, dy.data(), x.data(), on_dy.data(), on_x.data(), constant.data(), pass.slope,
                              dx->data());
  }

  Curvature curvature() const override {
    fail(*this, ": a gradient penalty needs scores that do not depend on the other samples of the batch, and batch norm mixes "
         "them; use LayerNorm, GroupNorm, InstanceNorm or no normalisation in the discriminator");
  }

  void commit(const Trace<S>& trace) override {
    if (trace.mode != Mode::train) return;
    const auto rows = static_cast<S>(trace.input->rows());
    const auto momentum = static_cast<S>(options_.momentum);
    mean_.value.array() += momentum * (trace.saved[saved_mean].array() - mean_.value.array());
    variance_.value.array() +=
        momentum * (trace.saved[saved_variance].array() * (rows / (rows - S(1))) - variance_.value.array());
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.insert(state.parameters.end(), {&weight_, &bias_});
    state.buffers.insert(state.buffers.end(), {&mean_, &variance_});
  }
  void initialise(const Initialiser<S>&, const Random&) override {
    weight_.value.fill(S(1));
    bias_.value.fill(S(0));
    mean_.value.fill(S(0));
    variance_.value.fill(S(1));
  }
  bool fuses_activation() const override { return true; }
  bool gates_input() const override { return true; }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<BatchNorm>(*this); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    bias_.name = name + ".bias";
    mean_.name = name + ".mean";
    variance_.name = name + ".variance";
  }

 private:
  static constexpr std::size_t saved_mean = 0, saved_variance = 1, saved_factors = 2, saved_sums = 3;

  /// scale = weight / sqrt(variance + epsilon), shift = bias - mean * scale.
  ChannelMap<S> channel_map(const Tensor<S>& mean, const Tensor<S>& variance, Trace<S>& trace) const {
    const Index features = options_.features;
    Tensor<S>& factors = trace.save(saved_factors, {3, features});
    ArrayMap<S> scale(factors.data(), features), shift(factors.data() + features, features);
    scale = weight_.value.array() * (variance.array() + static_cast<S>(options_.epsilon)).sqrt().inverse();
    shift = bias_.value.array() - mean.array() * scale;
    return {scale.data(), shift.data()};
  }
  auto inverse_deviation(const Trace<S>& trace) const {
    return (trace.saved[saved_variance].array() + static_cast<S>(options_.epsilon)).sqrt().inverse();
  }

  BatchNormOptions options_;
  Parameter<S> weight_, bias_;
  Buffer<S> mean_, variance_;
};

}  // namespace rival
