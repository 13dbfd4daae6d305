#pragma once
// Activations: layers that apply one function to every element, and have no parameters.

#include <memory>
#include <string_view>

#include "rival/kernels/elementwise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

namespace internal {

/// y = f(z), f one of the functions of kernels/elementwise.hpp.
template <class S, class F>
class Activation : public Layer<S> {
 public:
  explicit Activation(const F& f = {}) : f_(f) {}

  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(x.shape());
    kernels::map(f_, x.data(), trace.output.data(), x.size());
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    kernels::map_gradient(f_, trace.input->data(), trace.output.data(), dy.data(), dx->data(), dy.size());
  }

  Curvature curvature() const override { return Curvature::curved; }

  /// y' = f'(z) z'
  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    kernels::map_gradient(f_, trace.input->data(), trace.output.data(), x_tangent.data(), trace.output_tangent.data(),
                          x_tangent.size());
    return trace.output_tangent;
  }

  /// dz' = f'(z) dy' + f''(z) z' dy
  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    kernels::map_gradient_tangent(f_, trace.input->data(), trace.output.data(), trace.input_tangent->data(), dy.data(),
                                  dy_tangent ? dy_tangent->data() : nullptr, dx_tangent->data(), dy.size());
  }

 private:
  F f_;
};

}  // namespace internal

/// y = tanh(z), in (-1, 1).
template <class S = float>
class Tanh : public internal::Activation<S, kernels::Tanh> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "tanh"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Tanh>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// y = 1 / (1 + e^-z), in (0, 1). A network that ends in a loss on logits needs none.
template <class S = float>
class Sigmoid : public internal::Activation<S, kernels::Sigmoid> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "sigmoid"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Sigmoid>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// y = z sigmoid(z), also called swish (Hendrycks and Gimpel, 2016; Ramachandran, Zoph and Le, 2017).
template <class S = float>
class SiLU : public internal::Activation<S, kernels::SiLU> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "silu"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SiLU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// y = log(1 + e^z), a smooth ReLU.
template <class S = float>
class Softplus : public internal::Activation<S, kernels::Softplus> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "softplus"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Softplus>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

/// What ELU's number is called.
struct ELUOptions {
  double alpha = 1;  ///< of what is below 0: e^z - 1 times it

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("alpha", o.alpha);
  }
};

/// y = z above 0 and alpha (e^z - 1) below (Clevert, Unterthiner and Hochreiter, 2016).
template <class S = float>
class ELU : public internal::Activation<S, kernels::ELU<S>> {
 public:
  using Options = ELUOptions;  ///< what it is made from
  /// Throws Error unless alpha >= 0.
  explicit ELU(double alpha = 1.0) : internal::Activation<S, kernels::ELU<S>>({static_cast<S>(alpha)}), alpha_(alpha) {
    require(alpha >= 0, "elu: expected alpha >= 0, got ", alpha);
  }

  std::string_view kind() const override { return "elu"; }
  Description describe() const override { return rival::describe(kind(), ELUOptions{alpha_}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ELU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  double alpha_;
};

/// What a leaky ReLU's number is called.
struct LeakyReLUOptions {
  double slope = 0.2;  ///< below 0

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("slope", o.slope);
  }
};

/// y = z above 0 and slope z below (Maas, Hannun and Ng, 2013). At 0 the derivative is the slope.
///
/// A Sequential lets the layer in front write y and the layer behind apply the derivative where they can, so
/// forward may never be called: backward reads nothing but `trace.output`.
template <class S = float>
class LeakyReLU : public Layer<S> {
 public:
  using Options = LeakyReLUOptions;  ///< what it is made from
  /// Throws Error unless 0 <= slope <= 1: then y = max(z, slope z), and y > 0 exactly where z > 0.
  explicit LeakyReLU(double slope = 0.2) : slope_(static_cast<S>(slope)), exact_slope_(slope) {
    require(slope >= 0 && slope <= 1, "leaky_relu: expected a slope in [0, 1], got ", slope);
  }

  std::string_view kind() const override { return "leaky_relu"; }
  Description describe() const override { return rival::describe("leaky_relu", LeakyReLUOptions{exact_slope_}); }
  S leaky_slope() const override { return slope_; }
  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.output.resize(x.shape());
    kernels::leaky_relu(x.data(), trace.output.data(), x.size(), slope_);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    kernels::leaky_relu_gradient(trace.output.data(), dy.data(), dx->data(), dy.size(), slope_);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(x_tangent.shape());
    kernels::leaky_relu_gradient(trace.output.data(), x_tangent.data(), trace.output_tangent.data(), x_tangent.size(),
                                 slope_);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<LeakyReLU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  S slope_;
  double exact_slope_;  // as it was given
};

/// y = max(z, 0): the leaky ReLU of slope 0.
template <class S = float>
class ReLU : public LeakyReLU<S> {
 public:
  using Options = NoOptions;  ///< it has none
  ReLU() : LeakyReLU<S>(0.0) {}

  std::string_view kind() const override { return "relu"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<ReLU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
};

RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::Tanh>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::Tanh>);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::Sigmoid>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::Sigmoid>);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::SiLU>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::SiLU>);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::Softplus>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::Softplus>);
RIVAL_INSTANTIATE_CLASS(Tanh);
RIVAL_INSTANTIATE_CLASS(Sigmoid);
RIVAL_INSTANTIATE_CLASS(SiLU);
RIVAL_INSTANTIATE_CLASS(Softplus);
RIVAL_INSTANTIATE_FLOAT(class internal::Activation<float, kernels::ELU<float>>);
RIVAL_INSTANTIATE_DOUBLE(class internal::Activation<double, kernels::ELU<double>>);
RIVAL_INSTANTIATE_CLASS(ELU);
RIVAL_INSTANTIATE_CLASS(LeakyReLU);
RIVAL_INSTANTIATE_CLASS(ReLU);

}  // namespace rival
