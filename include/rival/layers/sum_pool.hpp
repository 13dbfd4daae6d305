#pragma once
// SumPool: what an image shows, wherever it shows it.

#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// The sum of each channel over all pixels: {N, H, W, C} becomes {N, C}. Discriminators sum in front of a projection
/// (Miyato and Koyama, 2018).
template <class S = float>
class SumPool : public Layer<S> {
 public:
  using Options = NoOptions;  ///< it has none
  std::string_view kind() const override { return "sum_pool"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }
  std::string_view short_name() const override { return "pool"; }
  bool gates_input() const override { return true; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3, *this, ": expected images height x width x channels, got ", input);
    return {input[2]};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    sum(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    const Tensor<S>& x = *trace.input;
    dx->resize(x.shape());
    const Index pixels = x.dim(1) * x.dim(2), channels = x.dim(3);
    parallel_for(x.dim(0), static_cast<double>(x.size()), [&](Index n) {
      const S* gradient = dy.data() + n * channels;
      for (Index row = n * pixels; row < (n + 1) * pixels; ++row)
        for (Index c = 0; c < channels; ++c)
          dx->data()[row * channels + c] = gradient[c] * (x.data()[row * channels + c] > S(0) ? S(1) : pass.slope);
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    sum(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SumPool>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void sum(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Index pixels = x.dim(1) * x.dim(2), channels = x.dim(3);
    parallel_for(x.dim(0), static_cast<double>(x.size()) / 2, [&](Index n) {
      ArrayMap<S> total(y.data() + n * channels, channels);
      total.setZero();
      for (Index row = n * pixels; row < (n + 1) * pixels; ++row)
        total += ConstArrayMap<S>(x.data() + row * channels, channels);
    });
  }
};

RIVAL_INSTANTIATE_CLASS(SumPool);

}  // namespace rival
