#pragma once
// Projection: the head of a discriminator that scores a sample together with its label.

#include <memory>
#include <string>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/kernels/packet.hpp"
#include "rival/nn/labels.hpp"

namespace rival {

struct ProjectionOptions {
  Index in = 0;
  Index classes = 0;  ///< at most 256
};

/// y = x . (w + V[label]) + b for a batch x of shape {N, in}; w is {in}, V is {classes, in}, b is {1}, y is {N, 1}: how real the
/// sample looks, plus how well it goes with its label (Miyato and Koyama, "cGANs with projection discriminator", 2018). The
/// labels are those of the pass; forward throws Error unless there is one of 0 ... classes - 1 for each sample.
template <class S = float>
class Projection : public Layer<S> {
 public:
  /// Throws Error unless in > 0 and 1 <= classes <= 256.
  explicit Projection(const ProjectionOptions& options)
      : options_(options), weight_("weight", {at_least_one(options)}), table_("table", {options.classes, options.in}), bias_("bias", {1}) {}

  Parameter<S>& weight() { return weight_; }
  Parameter<S>& table() { return table_; }
  Parameter<S>& bias() { return bias_; }

  std::string_view kind() const override { return "projection"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == options_.in, *this, ": expected vectors of ", options_.in, ", got ", input);
    return {1};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    trace.labels = internal::checked_labels(*this, pass.labels, x.dim(0), options_.classes);
    score(x, trace.labels, bias_.value[0], trace.output);
    return trace.output;
  }

  /// dx = dy (w + V[label]), dw += dy x, dV[label] += dy x, db += dy, over the samples in their order.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx) go_back(trace, dy, *dx);
    if (!pass.parameters) return;
    add_outer(trace, dy, *trace.input);
    bias_.grad[0] += dy.array().sum();
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>& pass) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    score(x_tangent, trace.labels, pass.affine ? bias_.value[0] : S(0), trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
    add_outer(trace, dy, *trace.input_tangent);
    if (dy_tangent) add_outer(trace, *dy_tangent, *trace.input);
    if (const Tensor<S>* db = pass.affine ? &dy : dy_tangent) bias_.grad[0] += db->array().sum();
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    for (Parameter<S>* parameter : {&weight_, &table_, &bias_}) state.parameters.push_back(parameter);
  }
  /// w and V from the initialiser, the bias 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (Parameter<S>* parameter : {&weight_, &table_}) {
      Random stream = random.stream(parameter->name);
      weights(parameter->value, {options_.in, 1}, stream);
    }
    bias_.value.fill(S(0));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Projection>(*this); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    weight_.name = name + ".weight";
    table_.name = name + ".table";
    bias_.name = name + ".bias";
  }

 private:
  static Index at_least_one(const ProjectionOptions& o) {
    require(o.in > 0, "projection: expected a positive `in`, got ", o.in);
    require(o.classes > 0 && o.classes <= 256, "projection: expected 1 to 256 classes, got ", o.classes);
    return o.in;
  }
  const S* row(const Tensor<S>& table, Labels labels, Index n) const {
    return table.data() + labels[static_cast<std::size_t>(n)] * options_.in;
  }

  void score(const Tensor<S>& x, Labels labels, S bias, Tensor<S>& y) const {
    const Index in = options_.in;
    parallel_blocks(x.dim(0), 8, static_cast<double>(x.size()) / 2, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n) {
        const S* from = x.data() + n * in;
        y[n] = kernels::dot(from, weight_.value.data(), in) + kernels::dot(from, row(table_.value, labels, n), in) + bias;
      }
    });
  }
  void go_back(const Trace<S>& trace, const Tensor<S>& dy, Tensor<S>& dx) const {
    const Index in = options_.in;
    dx.resize(trace.input->shape());
    parallel_blocks(dx.dim(0), 8, static_cast<double>(dx.size()) / 2, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        ArrayMap<S>(dx.data() + n * in, in) =
            dy[n] * (weight_.value.array() + ConstArrayMap<S>(row(table_.value, trace.labels, n), in));
    });
  }
  void add_outer(const Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>& x) {
    const Index in = options_.in;
    for (Index n = 0; n < x.dim(0); ++n) {
      const ConstArrayMap<S> from(x.data() + n * in, in);
      weight_.grad.array() += dy[n] * from;
      ArrayMap<S>(table_.grad.data() + trace.labels[static_cast<std::size_t>(n)] * in, in) += dy[n] * from;
    }
  }

  ProjectionOptions options_;
  Parameter<S> weight_, table_, bias_;
};

}  // namespace rival
