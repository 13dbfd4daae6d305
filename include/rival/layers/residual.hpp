#pragma once
// Residual: two branches from one input, added up.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "rival/core/finite.hpp"
#include "rival/kernels/elementwise.hpp"
#include "rival/nn/sequential.hpp"

namespace rival {

namespace internal {

/// Two stacks of layers that read the same input, and whose outputs a kind of layer joins to one. A skip branch without
/// layers is the identity.
template <class S>
class Branches : public Layer<S> {
 public:
  Branches(Sequential<S> main, Sequential<S> skip) : main_(std::move(main)), skip_(std::move(skip)) {
    name_branches("");
  }

  Sequential<S>& main() { return main_; }
  const Sequential<S>& main() const { return main_; }
  Sequential<S>& skip() { return skip_; }
  const Sequential<S>& skip() const { return skip_; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    const Shape shape = this->output_shape(x.shape().sample());
    trace.input = &x;
    trace.children.resize(2);
    const ForwardPass<S> request{.mode = pass.mode, .backward = pass.backward, .labels = pass.labels};
    const Tensor<S>& a = main_.forward(x, trace.children[0], request);
    const Tensor<S>& b = skip_.forward(x, trace.children[1], request);
    trace.output.resize(shape.batch(x.dim(0)));
    join(a, b, trace.output, pass.slope, nullptr);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr && !(pass.parameters && has_parameters())) return;
    const BackwardPass<S> request{.parameters = pass.parameters, .keep = pass.keep};
    const Pair d = split(trace, dy, saved_gradients);
    main_.backward(trace.children[0], *d.main, dx, request);
    if (skip_.size() == 0) {
      if (dx) add(*dx, *d.skip, *dx, S(1), pass.slope, gate(trace, pass));
      return;
    }
    Tensor<S>* other = dx ? &trace.save(saved_sum, trace.input->shape()) : nullptr;
    skip_.backward(trace.children[1], *d.skip, other, request);
    if (dx) add(*dx, *other, *dx, S(1), pass.slope, gate(trace, pass));
  }

  /// Throws Error where a layer of a branch does.
  Curvature curvature() const override {
    const Curvature main = main_.curvature(), skip = skip_.curvature();
    return main == Curvature::curved ? main : skip;
  }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace,
                                   const TangentPass<S>& pass) const override {
    const TangentPass<S> request{.affine = pass.affine};
    const Tensor<S>& a = main_.forward_tangent(x_tangent, trace.children[0], request);
    const Tensor<S>& b = skip_.forward_tangent(x_tangent, trace.children[1], request);
    trace.output_tangent.resize(trace.output.shape());
    join(a, b, trace.output_tangent, pass.slope, pass.gate);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>& pass) override {
    if (dx_tangent == nullptr && !has_parameters()) return;
    const Pair d = split(trace, dy, saved_gradients);
    const Pair t = dy_tangent ? split(trace, *dy_tangent, saved_tangents) : Pair{};
    main_.backward_tangent(trace.children[0], *d.main, t.main, dx_tangent, pass);
    if (skip_.size() == 0) {
      if (dx_tangent && t.skip) add(*dx_tangent, *t.skip, *dx_tangent);
      return;
    }
    Tensor<S>* other = dx_tangent ? &trace.save(saved_sum, trace.input->shape()) : nullptr;
    skip_.backward_tangent(trace.children[1], *d.skip, t.skip, other, pass);
    if (dx_tangent) add(*dx_tangent, *other, *dx_tangent);
  }

  bool gates_input() const override { return true; }  // while the branches' gradients are added

  void commit(const Trace<S>& trace) override {
    main_.commit(trace.children[0]);
    skip_.commit(trace.children[1]);
  }
  bool has_parameters() const override { return main_.has_parameters() || skip_.has_parameters(); }
  void collect(State<S>& state) override {
    main_.collect(state);
    skip_.collect(state);
  }
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    main_.initialise(weights, random);
    skip_.initialise(weights, random);
  }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    name_branches(name.empty() ? "" : name + ".");
  }

 protected:
  /// The branches' descriptions put into the layer's.
  Description describe_branches(Description layer) const {
    layer.layers = {main_.describe(), skip_.describe()};
    return layer;
  }

  /// Gradients with respect to the outputs of the two branches.
  struct Pair {
    const Tensor<S>*main = nullptr, *skip = nullptr;
  };

  /// y = the outputs of the branches as one, then max(y, slope y), or with a gate y (gate > 0 ? 1 : slope).
  virtual void join(const Tensor<S>& main, const Tensor<S>& skip, Tensor<S>& y, S slope, const S* gate) const = 0;
  /// The way back: dy as gradients of the branches' outputs, kept in the trace at `place` and `place` + 1 where they
  /// are not dy itself.
  virtual Pair split(Trace<S>& trace, const Tensor<S>& dy, std::size_t place) const = 0;

  /// y = factor (a + b), with the slope and the gate of `join`. y may be a.
  static void add(const Tensor<S>& a, const Tensor<S>& b, Tensor<S>& y, S factor = S(1), S slope = S(1),
                  const S* gate = nullptr) {
    parallel_blocks(y.size(), kernels::element_block, 2.0 * static_cast<double>(y.size()), [&](Index begin, Index end) {
      const auto sum = factor * (a.array().segment(begin, end - begin) + b.array().segment(begin, end - begin));
      auto out = y.array().segment(begin, end - begin);
      if (gate)
        out = (ConstArrayMap<S>(gate + begin, end - begin) > S(0)).select(sum, slope * sum);
      else if (slope != S(1))
        out = (sum > S(0)).select(sum, slope * sum);
      else
        out = sum;
    });
  }

 private:
  // The places in Trace::saved: two gradients, two tangents, and the input's gradient through the skip branch.
  static constexpr std::size_t saved_gradients = 0, saved_tangents = 2, saved_sum = 4;

  static const S* gate(const Trace<S>& trace, const BackwardPass<S>& pass) {
    return pass.slope == S(1) ? nullptr : trace.input->data();
  }
  void name_branches(const std::string& prefix) {
    main_.set_name(prefix + "main");
    skip_.set_name(prefix + "skip");
  }

  Sequential<S> main_, skip_;
};

}  // namespace internal

/// What a Residual does to the sum.
struct ResidualOptions {
  double scale = 1;  ///< of the sum; 1 / sqrt(2) keeps the variance of two branches that are independent (StyleGAN2)

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("scale", o.scale);
  }
};

/// y = scale (main(x) + skip(x)), where a skip branch that is left away is the identity (He, Zhang, Ren and Sun, "Deep
/// residual learning for image recognition", 2016). The layers are named "res1.main.conv1" and so on.
template <class S = float>
class Residual : public internal::Branches<S> {
 public:
  /// Throws Error unless the scale is finite.
  explicit Residual(Sequential<S> main, const ResidualOptions& options = {})
      : Residual(std::move(main), Sequential<S>(), options) {}
  /// With layers in the skip branch too, for a main one that changes the shape. Throws Error unless the scale is
  /// finite.
  Residual(Sequential<S> main, Sequential<S> skip, const ResidualOptions& options = {})
      : internal::Branches<S>(std::move(main), std::move(skip)),
        options_(options),
        scale_(static_cast<S>(options.scale)) {
    require(is_finite(scale_), "residual: expected a finite scale, got ", options.scale);
  }

  std::string_view kind() const override { return "residual"; }
  std::string_view short_name() const override { return "res"; }
  Description describe() const override { return this->describe_branches(rival::describe("residual", options_)); }
  bool fuses_activation() const override { return true; }

  /// Throws Error unless both branches make the same shape of the input.
  Shape output_shape(const Shape& input) const override {
    const Shape main = this->main().output_shape(input), skip = this->skip().output_shape(input);
    require(main == skip, *this, ": expected branches of the same shape, got ", main, " from the main one and ", skip,
            " from the skip");
    return main;
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Residual>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  using typename internal::Branches<S>::Pair;
  /// y = scale (main + skip), with the slope or the gate of the leaky ReLU behind it.
  void join(const Tensor<S>& main, const Tensor<S>& skip, Tensor<S>& y, S slope, const S* gate) const override {
    this->add(main, skip, y, scale_, slope, gate);
  }
  /// scale dy for either branch.
  Pair split(Trace<S>& trace, const Tensor<S>& dy, std::size_t place) const override {
    if (scale_ == S(1)) return {&dy, &dy};
    Tensor<S>& scaled = trace.save(place, dy.shape());
    scaled.array() = scale_ * dy.array();
    return {&scaled, &scaled};
  }

 private:
  ResidualOptions options_;
  S scale_;
};

RIVAL_INSTANTIATE_CLASS(internal::Branches);
RIVAL_INSTANTIATE_CLASS(Residual);

}  // namespace rival
