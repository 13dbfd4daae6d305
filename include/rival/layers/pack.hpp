#pragma once
// Pack: several samples as one, for a discriminator that judges them together.

#include <algorithm>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// What the layer's number is called.
struct PackOptions {
  Index count = 1;  ///< samples that become one

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("count", o.count);
  }
};

/// Makes one sample of `count` that follow each other, channels behind channels: {N, H, W, C} becomes {N / count, H, W,
/// count C} and {N, C} becomes {N / count, count C}, so that a discriminator sees when samples resemble each other too
/// much (PacGAN: Lin, Khetan, Fanti and Oh, 2018). The batch behind it is smaller: so many scores, and so many labels,
/// there are.
///
/// out[n, h, w, k C + c] = x[n count + k, h, w, c]. forward throws Error unless N is a multiple of `count`.
template <class S = float>
class Pack : public Layer<S> {
 public:
  using Options = PackOptions;  ///< what it is made from
  /// Throws Error unless count >= 1.
  explicit Pack(Index count) : count_(count) { require(count >= 1, "pack: expected a count >= 1, got ", count); }

  std::string_view kind() const override { return "pack"; }
  Description describe() const override { return rival::describe(kind(), PackOptions{count_}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1, *this, ": expected samples with channels, got ", input);
    return input.with(input.rank() - 1, internal::grown(*this, input.back(), count_));
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    require(x.dim(0) % count_ == 0, *this, ": expected a batch of a multiple of ", count_, " samples, got ", x.dim(0));
    pack(x, trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    for_each_row(dx->shape(), [&](Index apart, Index together, Index channels) {
      std::copy_n(dy.data() + together, channels, dx->data() + apart);
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    pack(x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Pack>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  void pack(const Tensor<S>& x, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0) / count_));
    for_each_row(x.shape(), [&](Index apart, Index together, Index channels) {
      std::copy_n(x.data() + apart, channels, y.data() + together);
    });
  }

  /// Calls visit(where a pixel begins in a batch of shape `apart`, where it begins in the packed batch, its channels).
  template <class Visit>
  void for_each_row(const Shape& apart, const Visit& visit) const {
    const Index channels = apart.back(), pixels = apart.sample().size() / std::max<Index>(1, channels);
    parallel_for(apart[0], static_cast<double>(apart.size()) / 4, [&](Index n) {
      for (Index p = 0; p < pixels; ++p)
        visit((n * pixels + p) * channels, ((n / count_ * pixels + p) * count_ + n % count_) * channels, channels);
    });
  }

  Index count_;
};

RIVAL_INSTANTIATE_CLASS(Pack);

}  // namespace rival
