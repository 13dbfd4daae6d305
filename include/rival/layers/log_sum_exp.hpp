#pragma once
// LogSumExp: puts the logarithm of the sum of exponentials in front of the numbers that it is of.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// y = (log sum_k e^{x_k}, x_1, ..., x_K) for vectors x of K numbers: {N, K} becomes {N, 1 + K}.
///
/// At the end of a discriminator with K heads it makes one of a classifier: the x are the logits of K classes, that of
/// a further class, "generated", is fixed to 0, and y_0 is the logit of "not generated", sigmoid(y_0) = sum_k e^{x_k} /
/// (1
/// + sum_k e^{x_k}) (Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, "Improved techniques for training GANs",
/// 2016).
///
/// With p = softmax(x) and dy = (dy_0, dy_1, ..., dy_K):
///
/// backward:          dx = p dy_0 + (dy_1, ..., dy_K)
/// forward_tangent:   y' = (<p x'>, x'), where <.> is the sum over the K
/// backward_tangent:  dx' = p (x' - <p x'>) dy_0 + p dy_0' + (dy_1', ..., dy_K')
template <class S = float>
class LogSumExp : public Layer<S> {
 public:
  using Options = NoOptions;  ///< it has none

  std::string_view kind() const override { return "log_sum_exp"; }
  std::string_view short_name() const override { return "lse"; }
  Description describe() const override { return rival::describe(kind(), NoOptions{}); }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1, *this, ": expected vectors, got ", input);
    return {input[0] + 1};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    Tensor<S>& softmax = trace.save(saved_softmax, x.shape());
    for_rows(x, 20, [&](Index n, Index classes) {
      const S* in = x.data() + n * classes;
      S *p = softmax.data() + n * classes, *out = trace.output.data() + n * (classes + 1);
      const S largest = *std::max_element(in, in + classes);
      S sum = S(0);
      for (Index k = 0; k < classes; ++k) sum += p[k] = std::exp(in[k] - largest);
      const S factor = S(1) / sum;
      for (Index k = 0; k < classes; ++k) p[k] *= factor;
      out[0] = largest + std::log(sum);
      std::copy_n(in, classes, out + 1);
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(trace.input->shape());
    const Tensor<S>& softmax = trace.saved[saved_softmax];
    for_rows(*dx, 3, [&](Index n, Index classes) {
      const S *p = softmax.data() + n * classes, *d = dy.data() + n * (classes + 1);
      for (Index k = 0; k < classes; ++k) (*dx)[n * classes + k] = p[k] * d[0] + d[1 + k];
    });
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    const Tensor<S>& softmax = trace.saved[saved_softmax];
    for_rows(x_tangent, 3, [&](Index n, Index classes) {
      const S *p = softmax.data() + n * classes, *x = x_tangent.data() + n * classes;
      S* out = trace.output_tangent.data() + n * (classes + 1);
      out[0] = S(0);
      for (Index k = 0; k < classes; ++k) out[0] += p[k] * x[k];
      std::copy_n(x, classes, out + 1);
    });
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(trace.input->shape());
    const Tensor<S>& softmax = trace.saved[saved_softmax];
    for_rows(*dx_tangent, 6, [&](Index n, Index classes) {
      const S *p = softmax.data() + n * classes, *x = trace.input_tangent->data() + n * classes;
      const S first = dy[n * (classes + 1)], mean = trace.output_tangent[n * (classes + 1)];
      S* out = dx_tangent->data() + n * classes;
      for (Index k = 0; k < classes; ++k) out[k] = p[k] * (x[k] - mean) * first;
      if (dy_tangent == nullptr) return;
      const S* d = dy_tangent->data() + n * (classes + 1);
      for (Index k = 0; k < classes; ++k) out[k] += p[k] * d[0] + d[1 + k];
    });
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<LogSumExp>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static constexpr std::size_t saved_softmax = 0;  // the place in Trace::saved

  /// body(row, K) for each row of `x` {N, K}.
  template <class Body>
  static void for_rows(const Tensor<S>& x, double cost, const Body& body) {
    const Index classes = x.cols();
    parallel_blocks(x.rows(), std::max<Index>(1, 4096 / classes), cost * static_cast<double>(x.size()),
                    [&](Index begin, Index end) {
                      for (Index n = begin; n < end; ++n) body(n, classes);
                    });
  }
};

RIVAL_INSTANTIATE_CLASS(LogSumExp);

}  // namespace rival
