#pragma once
// SelfAttention: every pixel sees all others.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/kernels/convolution/convolution.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// The sizes of a SelfAttention.
struct SelfAttentionOptions {
  Index in = 0;      ///< channels
  Index keys = 0;    ///< channels of f and g; 0 stands for in / 8
  Index values = 0;  ///< channels of h; 0 stands for in / 2

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("keys", o.keys);
    f("values", o.values);
  }
};

/// y = x + gamma o, for images {N, H, W, in}, where o is for each pixel a mixture of what all pixels of its image show
/// (SAGAN: Zhang, Goodfellow, Metaxas and Odena, 2019). With an image as a matrix x of P = H W pixels by channels, and
/// four matrices to learn:
///
///     F = x f, G = x g {P, keys};  V = x h {P, values};  B = softmax of each row of G F^T {P, P};  o = B V v {P, in}
///
/// gamma is a number to learn that begins at 0: at first the layer passes its input on.
///
/// The pass keeps B, which is N P^2 numbers.
template <class S = float>
class SelfAttention : public Layer<S> {
 public:
  using Options = SelfAttentionOptions;  ///< what it is made from
  /// Throws Error unless in > 0 and the others are not negative.
  explicit SelfAttention(const SelfAttentionOptions& options)
      : options_(completed(options)),
        f_("f", {options_.in, options_.keys}),
        g_("g", {options_.in, options_.keys}),
        h_("h", {options_.in, options_.values}),
        v_("v", {options_.values, options_.in}),
        gamma_("gamma", {1}) {
    for (auto* weight : {&f_, &g_, &h_, &v_}) weight->axes = WeightAxes::dense;
  }

  /// The one number gamma, {1}; 0 at first.
  Parameter<S>& gamma() { return gamma_; }
  /// The options that it was made with; keys and values are those that it took.
  const SelfAttentionOptions& options() const { return options_; }

  std::string_view kind() const override { return "self_attention"; }
  Description describe() const override { return rival::describe("self_attention", options_); }
  std::string_view short_name() const override { return "attention"; }
  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 3 && input[2] == options_.in, *this, ": expected images of ", options_.in,
            " channels, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Index n = x.dim(0), pixels = x.dim(1) * x.dim(2), rows = n * pixels, keys = options_.keys,
                values = options_.values;
    Tensor<S>&f = trace.save(place_f, {rows, keys}), &g = trace.save(place_g, {rows, keys}),
    &h = trace.save(place_h, {rows, values}), &b = trace.save(place_b, {rows, pixels}),
    &mixed = trace.save(place_mixed, {rows, values}), &o = trace.save(place_o, {rows, options_.in});
    multiply(rows, x.data(), f_.value, f.data());
    multiply(rows, x.data(), g_.value, g.data());
    multiply(rows, x.data(), h_.value, h.data());
    for (Index i = 0; i < n; ++i) {
      S* image_b = b.data() + i * pixels * pixels;
      product_transposed(pixels, keys, pixels, g.data() + i * pixels * keys, f.data() + i * pixels * keys, image_b);
      softmax(pixels, image_b);
      product(pixels, pixels, values, image_b, h.data() + i * pixels * values, mixed.data() + i * pixels * values);
    }
    multiply(rows, mixed.data(), v_.value, o.data());
    add_scaled(x, gamma_.value[0], o, trace.output);
    return trace.output;
  }

  /// With dM = gamma dy v^T, the gradient of M = B V: dB = dM V^T, dV = B^T dM; with dS = B (dB - sums of the rows of B
  /// dB), that of G F^T: dG = dS F, dF = dS^T G; then dx = dy + dF f^T + dG g^T + dV h^T, and each matrix gets x^T
  /// times its product's.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Tensor<S>& x = *trace.input;
    const Index n = x.dim(0), pixels = x.dim(1) * x.dim(2), rows = n * pixels, keys = options_.keys,
                values = options_.values;
    Tensor<S>&df = trace.save(place_df, {rows, keys}), &dg = trace.save(place_dg, {rows, keys}),
    &dh = trace.save(place_dh, {rows, values}), &ds = trace.save(place_ds, {pixels, pixels}),
    &dmixed = trace.save(place_dmixed, {rows, values}), &scaled = trace.save(place_scaled, {rows, options_.in});
    const Tensor<S>&f = trace.saved[place_f], &g = trace.saved[place_g], &h = trace.saved[place_h],
          &b = trace.saved[place_b];

    scaled.array() = gamma_.value[0] * dy.array();
    multiply_transposed(rows, scaled.data(), v_.value, dmixed.data());
    df.fill(S(0));
    dh.fill(S(0));
    for (Index i = 0; i < n; ++i) {
      const Index key = i * pixels * keys, value = i * pixels * values;
      const S* image_b = b.data() + i * pixels * pixels;
      product_transposed(pixels, values, pixels, dmixed.data() + value, h.data() + value, ds.data());
      softmax_gradient(pixels, image_b, ds.data());
      add_product_of_transposed(pixels, pixels, values, image_b, dmixed.data() + value, dh.data() + value);
      product(pixels, pixels, keys, ds.data(), f.data() + key, dg.data() + key);
      add_product_of_transposed(pixels, pixels, keys, ds.data(), g.data() + key, df.data() + key);
    }
    if (pass.parameters) {
      gamma_.grad[0] += sum_of_products(dy, trace.saved[place_o]);
      add_product_of_transposed(rows, values, options_.in, trace.saved[place_mixed].data(), scaled.data(),
                                v_.grad.data());
      add_product_of_transposed(rows, options_.in, keys, x.data(), df.data(), f_.grad.data());
      add_product_of_transposed(rows, options_.in, keys, x.data(), dg.data(), g_.grad.data());
      add_product_of_transposed(rows, options_.in, values, x.data(), dh.data(), h_.grad.data());
    }
    if (!dx) return;
    *dx = dy;
    const auto add_through = [&](const Tensor<S>& gradient, const Tensor<S>& matrix) {
      multiply_transposed(rows, gradient.data(), matrix, scaled.data());
      add_scaled(*dx, S(1), scaled, *dx);
    };
    add_through(df, f_.value);
    add_through(dg, g_.value);
    add_through(dh, h_.value);
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    for (Parameter<S>* parameter : {&f_, &g_, &h_, &v_, &gamma_}) state.parameters.push_back(parameter);
  }
  /// The matrices from the initialiser, gamma 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (Parameter<S>* parameter : {&f_, &g_, &h_, &v_}) {
      Random stream = random.stream(parameter->name);
      weights(parameter->value, {parameter->value.dim(0), parameter->value.dim(1)}, stream);
    }
    gamma_.value.fill(S(0));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SelfAttention>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    f_.name = name + ".f";
    g_.name = name + ".g";
    h_.name = name + ".h";
    v_.name = name + ".v";
    gamma_.name = name + ".gamma";
  }

 private:
  enum Place : std::size_t {
    place_f,
    place_g,
    place_h,
    place_b,
    place_mixed,
    place_o,
    place_df,
    place_dg,
    place_dh,
    place_ds,
    place_dmixed,
    place_scaled
  };

  static SelfAttentionOptions completed(SelfAttentionOptions o) {
    require(o.in > 0 && o.keys >= 0 && o.values >= 0, "self_attention: expected positive channels, got in ", o.in,
            ", keys ", o.keys, ", values ", o.values);
    if (o.keys == 0) o.keys = std::max<Index>(1, o.in / 8);
    if (o.values == 0) o.values = std::max<Index>(1, o.in / 2);
    return o;
  }

  // Products of matrices, as the passes of dense layers.
  /// c {m, n} = a {m, k} b {k, n}
  static void product(Index m, Index k, Index n, const S* a, const S* b, S* c) {
    kernels::conv_output<S>({.batch = m, .in_c = k, .out_c = n}, a, b, c);
  }
  /// c {m, n} = a {m, k} b^T, b {n, k}
  static void product_transposed(Index m, Index k, Index n, const S* a, const S* b, S* c) {
    kernels::conv_input_gradient<S>({.batch = m, .in_c = n, .out_c = k}, a, b, c);
  }
  /// c {k, n} += a^T b, a {m, k}, b {m, n}
  static void add_product_of_transposed(Index m, Index k, Index n, const S* a, const S* b, S* c) {
    kernels::conv_weight_gradient<S>({.batch = m, .in_c = k, .out_c = n}, a, b, c);
  }
  static void multiply(Index rows, const S* x, const Tensor<S>& w, S* y) {
    product(rows, w.dim(0), w.dim(1), x, w.data(), y);
  }
  static void multiply_transposed(Index rows, const S* dy, const Tensor<S>& w, S* dx) {
    product_transposed(rows, w.dim(1), w.dim(0), dy, w.data(), dx);
  }

  /// Each row of a square to e^row / sum of e^row.
  static void softmax(Index size, S* square) {
    parallel_blocks(size, 8, 20.0 * static_cast<double>(size * size), [=](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        ArrayMap<S> row(square + r * size, size);
        row = (row - row.maxCoeff()).exp();
        row /= row.sum();
      }
    });
  }
  /// Each row of `gradient`, that of b's, to b * (row - sum of b * row).
  static void softmax_gradient(Index size, const S* b, S* gradient) {
    parallel_blocks(size, 8, 2.0 * static_cast<double>(size * size), [=](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        const ConstArrayMap<S> share(b + r * size, size);
        ArrayMap<S> row(gradient + r * size, size);
        row = share * (row - (share * row).sum());
      }
    });
  }
  /// to = a + factor b
  static void add_scaled(const Tensor<S>& a, S factor, const Tensor<S>& b, Tensor<S>& to) {
    parallel_blocks(a.size(), 4096, static_cast<double>(a.size()), [&](Index begin, Index end) {
      const Index count = end - begin;
      ArrayMap<S>(to.data() + begin, count) =
          ConstArrayMap<S>(a.data() + begin, count) + factor * ConstArrayMap<S>(b.data() + begin, count);
    });
  }
  /// Block by block, then over the blocks in their order.
  static S sum_of_products(const Tensor<S>& a, const Tensor<S>& b) {
    constexpr Index block = 4096;
    const Index blocks = (a.size() + block - 1) / block;
    S* sums = scratch<S>(Scratch::partial_sums, blocks);
    parallel_blocks(a.size(), block, static_cast<double>(a.size()), [&](Index begin, Index end) {
      sums[begin / block] = kernels::dot(a.data() + begin, b.data() + begin, end - begin);
    });
    return ArrayMap<S>(sums, blocks).sum();
  }

  SelfAttentionOptions options_;
  Parameter<S> f_, g_, h_, v_, gamma_;
};

RIVAL_INSTANTIATE_CLASS(SelfAttention);

}  // namespace rival
