#pragma once
// Projection: the head of a discriminator that scores a sample together with its label.

#include <memory>
#include <string_view>

#include "rival/nn/labels.hpp"

namespace rival {

/// The sizes of a Projection.
struct ProjectionOptions {
  Index classes = 0;  ///< at most 65,536

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("classes", o.classes);
  }
};

/// y = x[0] + x[1 + label] for a batch x of shape {N, 1 + classes}; y is {N, 1}. Behind a dense layer, whose outputs
/// are how real the sample looks and how well it goes with each class, that is the projection discriminator (Miyato and
/// Koyama, "cGANs with projection discriminator", 2018):
///
///     SumPool(), SpectralNorm(Dense({.in = 256, .out = 1 + 10})), Projection({.classes = 10})
///
/// scores features h with h . (w + v[label]) + b, w being the first column of the dense layer's weight and v the
/// others. The labels are those of the pass; forward throws Error unless there is one of 0 ... classes - 1 for each
/// sample.
template <class S = float>
class Projection : public Layer<S> {
 public:
  using Options = ProjectionOptions;  ///< what it is made from
  /// Throws Error unless 1 <= classes <= 65,536.
  explicit Projection(const ProjectionOptions& options) : classes_(options.classes) {
    require(classes_ > 0 && classes_ <= most_classes, "projection: expected 1 to ", most_classes, " classes, got ",
            classes_);
  }

  std::string_view kind() const override { return "projection"; }
  Description describe() const override { return rival::describe("projection", ProjectionOptions{classes_}); }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == 1 + classes_, *this, ": expected vectors of ", 1 + classes_,
            ", one more than classes, got ", input);
    return {1};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    internal::keep_labels(*this, pass.labels, x.dim(0), classes_, trace);
    score(x, trace.labels, trace.output);
    return trace.output;
  }

  /// dx[0] = dx[1 + label] = dy, and 0 elsewhere.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (!dx) return;
    dx->resize(trace.input->shape());
    dx->fill(S(0));
    for (Index n = 0; n < dx->dim(0); ++n) {
      S* to = dx->data() + n * (1 + classes_);
      to[0] = to[1 + label(trace.labels, n)] = dy[n];
    }
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    score(x_tangent, trace.labels, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Projection>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static Index label(Labels labels, Index n) { return labels[static_cast<std::size_t>(n)]; }
  void score(const Tensor<S>& x, Labels labels, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    for (Index n = 0; n < x.dim(0); ++n) {
      const S* from = x.data() + n * (1 + classes_);
      y[n] = from[0] + from[1 + label(labels, n)];
    }
  }

  Index classes_;
};

RIVAL_INSTANTIATE_CLASS(Projection);

}  // namespace rival
