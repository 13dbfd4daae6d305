#pragma once
// GaussianNoise: adds normal noise to every element while training.

#include <cstdint>
#include <memory>
#include <string_view>

#include "rival/core/finite.hpp"
#include "rival/kernels/elementwise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// How much noise a GaussianNoise adds.
struct GaussianNoiseOptions {
  double sigma = 0.1;  ///< the noise's deviation

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("sigma", o.sigma);
  }
};

/// Training: y = x + sigma e with e normal of deviation 1, drawn anew for every element. Evaluation: the identity. In
/// front of a discriminator's layers it blurs what real and generated samples differ in (Salimans, Goodfellow, Zaremba,
/// Cheung, Radford and Chen, "Improved techniques for training GANs", 2016).
///
/// The noise comes from the layer's own random stream. `forward` reads the stream where it stands; `commit` moves it
/// on.
template <class S = float>
class GaussianNoise : public Layer<S> {
 public:
  using Options = GaussianNoiseOptions;  ///< what it is made from
  /// Throws Error unless sigma is finite and >= 0.
  explicit GaussianNoise(const GaussianNoiseOptions& options = {})
      : options_(options), sigma_(static_cast<S>(options.sigma)) {
    require(options.sigma >= 0 && is_finite(sigma_), "gaussian_noise: expected a finite `sigma` >= 0, got ",
            options.sigma);
  }

  std::string_view kind() const override { return "gaussian_noise"; }
  std::string_view short_name() const override { return "noise"; }
  Description describe() const override { return rival::describe("gaussian_noise", options_); }
  bool gates_input() const override { return true; }
  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.mode = pass.mode;
    if (!adds(trace)) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Random stream = stream_;
    stream.fill_normal(trace.save(0, x.shape()), S(0), sigma_);
    add_noise(x, trace, trace.output);
    return trace.output;
  }

  // The gradient is copied, since the caller reuses the memory of dy while it still reads dx.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    kernels::leaky_relu_gradient(trace.input->data(), dy.data(), dx->data(), dy.size(), pass.slope);
  }

  Curvature curvature() const override { return Curvature::linear; }

  /// What is added belongs to the affine map, not to that of tangents.
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    if (pass.affine && adds(trace))
      add_noise(x_tangent, trace, trace.output_tangent);
    else
      trace.output_tangent.alias(x_tangent, x_tangent.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_normal makes of one block
    if (adds(trace)) stream_.skip((static_cast<std::uint64_t>(trace.output.size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<GaussianNoise>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  bool adds(const Trace<S>& trace) const { return trace.mode == Mode::train && sigma_ > S(0); }

  static void add_noise(const Tensor<S>& x, const Trace<S>& trace, Tensor<S>& y) {
    y.resize(x.shape());
    const S *from = x.data(), *noise = trace.saved[0].data();
    S* to = y.data();
    parallel_blocks(x.size(), kernels::element_block, static_cast<double>(x.size()), [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) to[i] = from[i] + noise[i];
    });
  }

  GaussianNoiseOptions options_;
  S sigma_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(GaussianNoise);

}  // namespace rival
