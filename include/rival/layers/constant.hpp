#pragma once
// Basis: a learnt small image, with which a generator begins.

#include <memory>
#include <string>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/kernels/convolution/convolution.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// The sizes of a Basis.
struct BasisOptions {
  Index in = 0;      ///< the length of the latent vectors
  Shape shape = {};  ///< height x width x channels of the image

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("shape", o.shape);
  }
};

/// y[n, h, w, c] = basis[h, w, c] (x A)[n, c]: each channel of a learnt image, as strong as the latent vector wants it;
/// x is {N, in}, A is {in, channels}, y is {N, height, width, channels} (R3GAN: Huang, Gokaslan, Kuleshov and Tompkin,
/// 2024).
///
/// Linear in x, and bilinear in the basis and A: with s = x A,
///
///     backward:          ds[n, c] = sum over h, w of dy basis,  dbasis += sum over n of dy s
///                        dA += x^T ds,  dx = ds A^T
///     backward_tangent:  dbasis += sum over n of dy s' + dy' s,  dA += x'^T ds + x^T ds',  dx' = ds' A^T
template <class S = float>
class Basis : public Layer<S> {
 public:
  using Options = BasisOptions;  ///< what it is made from
  /// Throws Error unless `in` and the three extents of the shape are positive.
  explicit Basis(const BasisOptions& options)
      : in_(options.in), basis_("basis", checked(options)), weight_("weight", {options.in, options.shape[2]}) {
    weight_.axes = WeightAxes::dense;
  }

  /// The image that is learnt, {height, width, channels}.
  Parameter<S>& basis() { return basis_; }
  /// A, {in, channels}: how much of each channel a latent vector gives.
  Parameter<S>& weight() { return weight_; }

  std::string_view kind() const override { return "basis"; }
  Description describe() const override {
    return rival::describe("basis", BasisOptions{.in = in_, .shape = basis_.value.shape()});
  }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 1 && input[0] == in_, *this, ": expected vectors of ", in_, ", got ", input);
    return basis_.value.shape();
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    enlarge(x, trace.save(0, {x.dim(0), channels()}), trace.output);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Tensor<S>& ds = strength_gradient(trace, dy);
    if (dx) go_back(trace, ds, *dx);
    if (!pass.parameters) return;
    add_basis_gradient(dy, trace.saved[0]);
    kernels::conv_weight_gradient(geometry(dy.dim(0)), trace.input->data(), ds.data(), weight_.grad.data());
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    enlarge(x_tangent, trace.save(2, {x_tangent.dim(0), channels()}), trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    const kernels::ConvGeometry g = geometry(dy.dim(0));
    kernels::conv_weight_gradient(g, trace.input_tangent->data(), strength_gradient(trace, dy).data(),
                                  weight_.grad.data());
    add_basis_gradient(dy, trace.saved[2]);
    if (dy_tangent) {
      const Tensor<S>& ds_tangent = strength_gradient(trace, *dy_tangent);
      kernels::conv_weight_gradient(g, trace.input->data(), ds_tangent.data(), weight_.grad.data());
      add_basis_gradient(*dy_tangent, trace.saved[0]);
      if (dx_tangent) go_back(trace, ds_tangent, *dx_tangent);
    } else if (dx_tangent) {
      dx_tangent->resize(trace.input->shape());
      dx_tangent->fill(S(0));
    }
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    state.parameters.push_back(&basis_);
    state.parameters.push_back(&weight_);
  }
  /// The basis is normal with variance 1, A comes from the initialiser.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    Random stream = random.stream(basis_.name);
    stream.fill_normal(basis_.value);
    stream = random.stream(weight_.name);
    weights(weight_.value, {in_, channels()}, stream);
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Basis>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    basis_.name = name + ".basis";
    weight_.name = name + ".weight";
  }

 private:
  static const Shape& checked(const BasisOptions& o) {
    require(o.in > 0, "basis: expected a positive `in`, got ", o.in);
    require(o.shape.rank() == 3 && o.shape.size() > 0, "basis: expected a shape height x width x channels, got ",
            o.shape);
    return o.shape;
  }
  Index channels() const { return basis_.value.cols(); }
  Index pixels() const { return basis_.value.rows(); }
  kernels::ConvGeometry geometry(Index batch) const { return {.batch = batch, .in_c = in_, .out_c = channels()}; }

  /// strength = x A, y = basis strength
  void enlarge(const Tensor<S>& x, Tensor<S>& strength, Tensor<S>& y) const {
    y.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    kernels::conv_output(geometry(x.dim(0)), x.data(), weight_.value.data(), strength.data());
    parallel_for(x.dim(0), static_cast<double>(y.size()) / 2, [&](Index n) {
      const ConstArrayMap<S> s(strength.data() + n * channels(), channels());
      for (Index p = 0; p < pixels(); ++p)
        ArrayMap<S>(y.data() + (n * pixels() + p) * channels(), channels()) = pixel(basis_.value, p) * s;
    });
  }
  const Tensor<S>& strength_gradient(Trace<S>& trace, const Tensor<S>& dy) const {
    Tensor<S>& ds = trace.save(1, {dy.dim(0), channels()});
    parallel_for(dy.dim(0), static_cast<double>(dy.size()) / 2, [&](Index n) {
      ArrayMap<S> sum(ds.data() + n * channels(), channels());
      sum.setZero();
      for (Index p = 0; p < pixels(); ++p) sum += pixel(dy, n * pixels() + p) * pixel(basis_.value, p);
    });
    return ds;
  }
  void go_back(const Trace<S>& trace, const Tensor<S>& ds, Tensor<S>& dx) const {
    dx.resize(trace.input->shape());
    kernels::conv_input_gradient(geometry(ds.dim(0)), ds.data(), weight_.value.data(), dx.data());
  }
  void add_basis_gradient(const Tensor<S>& dy, const Tensor<S>& strength) {
    parallel_for(pixels(), static_cast<double>(dy.size()) / 2, [&](Index p) {
      ArrayMap<S> sum(basis_.grad.data() + p * channels(), channels());
      for (Index n = 0; n < dy.dim(0); ++n) sum += pixel(dy, n * pixels() + p) * pixel(strength, n);
    });
  }
  static ConstArrayMap<S> pixel(const Tensor<S>& image, Index row) {
    return {image.data() + row * image.cols(), image.cols()};
  }

  Index in_;
  Parameter<S> basis_, weight_;
};

RIVAL_INSTANTIATE_CLASS(Basis);

}  // namespace rival
