#pragma once
// Permute: the axes of a sample in another order.

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// How a Permute orders the axes.
struct PermuteOptions {
  Shape order = {};  ///< axis i of an output sample is axis order[i] of the input's

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("order", o.order);
  }
};

/// y[..., i_(order[k]), ...] = x[..., i_k, ...]: PyTorch's permute, of a sample's axes. A clip {T, H, W, C} becomes an
/// image {H, W, T, C}, whose frames are channels once it is reshaped, by
///
///     Permute({.order = {1, 2, 0, 3}})
template <class S = float>
class Permute : public Layer<S> {
 public:
  using Options = PermuteOptions;  ///< what it is made from
  /// Throws Error unless `order` holds each of 0 ... its rank - 1 once.
  explicit Permute(const PermuteOptions& options) : options_(options) {
    const Shape& order = options.order;
    std::array<bool, Shape::max_rank> seen{};
    for (const Index axis : order) {
      require(axis < order.rank() && !seen[static_cast<std::size_t>(axis)], "permute: expected each axis from 0 to ",
              order.rank() - 1, " once, got ", order);
      seen[static_cast<std::size_t>(axis)] = true;
    }
    require(order.rank() >= 1, "permute: expected an order of at least 1 axis, got none");
  }

  std::string_view kind() const override { return "permute"; }
  Description describe() const override { return rival::describe(kind(), options_); }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == options_.order.rank(), *this, ": expected samples of ", options_.order.rank(),
            " axes, got ", input);
    Shape out;
    for (const Index axis : options_.order) out.push_back(input[axis]);
    return out;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    permute(x.shape(), x.data(), trace.output.data(), true);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    permute(trace.input->shape(), dy.data(), dx->data(), false);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(trace.output.shape());
    permute(x_tangent.shape(), x_tangent.data(), trace.output_tangent.data(), true);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Permute>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  /// Goes through the samples of a batch of outputs in the order of their memory, and through those of inputs {N, ...}
  /// of shape `x` in strides; copies `from` the inputs `to` the outputs, or back.
  void permute(const Shape& x, const S* from, S* to, bool onward) const {
    const Shape& order = options_.order;
    const Index rank = order.rank(), size = x.sample().size();
    std::array<Index, Shape::max_rank> extent{}, stride{};  // of the output's axes, the strides in the input
    for (Index k = 0; k < rank; ++k) {
      Index inner = 1;
      for (Index axis = order[k] + 1; axis < rank; ++axis) inner *= x[axis + 1];
      extent[static_cast<std::size_t>(k)] = x[order[k] + 1];
      stride[static_cast<std::size_t>(k)] = inner;
    }
    const auto last = static_cast<std::size_t>(rank - 1);
    parallel_for(x[0], static_cast<double>(x.size()), [&](Index n) {
      std::array<Index, Shape::max_rank> at{};
      Index there = n * size;  // in the input
      for (Index here = n * size; here < (n + 1) * size; here += extent[last]) {
        for (Index i = 0; i < extent[last]; ++i)
          if (onward)
            to[here + i] = from[there + i * stride[last]];
          else
            to[there + i * stride[last]] = from[here + i];
        for (std::size_t k = last; k-- > 0;) {
          there += stride[k];
          if (++at[k] < extent[k]) break;
          there -= extent[k] * stride[k];
          at[k] = 0;
        }
      }
    });
  }

  PermuteOptions options_;
};

RIVAL_INSTANTIATE_CLASS(Permute);

}  // namespace rival
