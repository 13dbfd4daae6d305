#pragma once
// GRU: a recurrent layer, whose state is carried from step to step by gates.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/kernels/convolution/convolution.hpp"
#include "rival/kernels/elementwise.hpp"
#include "rival/kernels/reduce.hpp"
#include "rival/layers/size2.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// The sizes of a GRU.
struct GRUOptions {
  Index in = 0;       ///< features of a step
  Index hidden = 0;   ///< features of the state
  bool last = false;  ///< put out the state behind the last step alone

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("in", o.in);
    f("hidden", o.hidden);
    f("last", o.last);
  }
};

/// The gated recurrent unit of Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
/// machine translation" (2014), in PyTorch's form. For a batch x of sequences {N, steps, in}, from the state h_0 = 0:
///
///     a_t = x_t W + b,  c_t = h_{t-1} U + d            each {N, 3 hidden}: the parts of r, z and n, in this order
///     r_t = sigmoid(a_r + c_r),  z_t = sigmoid(a_z + c_z),  n_t = tanh(a_n + r_t c_n)
///     h_t = (1 - z_t) n_t + z_t h_{t-1}
///
/// y is all states {N, steps, hidden}, or with `last` the last one {N, hidden}. W {in, 3 hidden} is weight_ih_l0, U
/// {hidden, 3 hidden} weight_hh_l0, b bias_ih_l0 and d bias_hh_l0.
///
/// Going back from the last step, with dh_t the gradient of h_t from y and from the step behind it:
///
///     da_n = dh (1 - z) (1 - n^2),  da_r = da_n c_n r (1 - r),  da_z = dh (h_{t-1} - n) z (1 - z)
///     dc = (da_r, da_z, da_n r),  dh_{t-1} += dh z + dc U^T,  dU += h_{t-1}^T dc,  dW += x^T da,  dx = da W^T
///
/// The tangents are the derivatives of these two passes, term by term. What all steps share is one product: x W, and
/// those of da and dc; only h_{t-1} U and dc U^T are products of a step.
template <class S = float>
class GRU : public Layer<S> {
 public:
  using Options = GRUOptions;  ///< what it is made from
  /// Throws Error unless both sizes are positive.
  explicit GRU(const GRUOptions& options)
      : options_(checked(options)),
        w_("weight_ih_l0", {options.in, 3 * options.hidden}),
        u_("weight_hh_l0", {options.hidden, 3 * options.hidden}),
        b_("bias_ih_l0", {3 * options.hidden}),
        d_("bias_hh_l0", {3 * options.hidden}) {
    w_.axes = u_.axes = WeightAxes::dense;
  }

  std::string_view kind() const override { return "gru"; }
  Description describe() const override { return rival::describe("gru", options_); }
  /// The options that it was made with.
  const GRUOptions& options() const { return options_; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 2, *this, ": expected sequences steps x features, got ", input);
    require(input[1] == options_.in, *this, ": expected ", options_.in, " features, got ", input[1]);
    require(input[0] > 0, *this, ": expected at least one step, got ", input);
    return options_.last ? Shape{options_.hidden} : Shape{input[0], options_.hidden};
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>&) const override {
    trace.input = &x;
    trace.output.resize(output_shape(x.shape().sample()).batch(x.dim(0)));
    const Sizes s = sizes(x);
    Tensor<S>&a = trace.save(place_a, {s.n, s.steps, 3 * s.h}), &c = trace.save(place_c, {s.steps, s.n, 3 * s.h}),
    &gates = trace.save(place_gates, {s.steps, s.n, 3 * s.h}),
    &states = trace.save(place_states, {s.steps + 1, s.n, s.h});
    kernels::conv_output<S>({.batch = s.n * s.steps, .in_c = options_.in, .out_c = 3 * s.h}, x.data(), w_.value.data(),
                            a.data(), {.bias = b_.value.data()});
    std::fill_n(states.data(), s.n * s.h, S(0));
    for (Index t = 0; t < s.steps; ++t) {
      kernels::conv_output<S>(recurrence(s), states.data() + t * s.n * s.h, u_.value.data(),
                              c.data() + t * s.n * 3 * s.h, {.bias = d_.value.data()});
      for_samples(s, 60, [&](Index n) {
        const S *a_n = a.data() + (n * s.steps + t) * 3 * s.h, *c_n = c.data() + (t * s.n + n) * 3 * s.h;
        S *r = gates.data() + (t * s.n + n) * 3 * s.h, *z = r + s.h, *m = z + s.h;
        map(
            2 * s.h, [](const auto& a_, const auto& c_) { return kernels::Sigmoid{}.value(a_ + c_); }, r, a_n, c_n);
        map(
            s.h, [](const auto& a_, const auto& r_, const auto& c_) { return (a_ + r_ * c_).tanh(); }, m, a_n + 2 * s.h,
            r, c_n + 2 * s.h);
        const S* before = states.data() + (t * s.n + n) * s.h;
        S* h = states.data() + ((t + 1) * s.n + n) * s.h;
        for (Index i = 0; i < s.h; ++i) h[i] = m[i] + z[i] * (before[i] - m[i]);
        put_out(s, t, n, h, trace.output);
      });
    }
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (!dx && !pass.parameters) return;
    const Steps steps(*this, trace, false);
    const Sizes& s = steps.s;
    for (Index t = s.steps; t-- > 0;) {
      for_samples(s, 20, [&](Index n) { steps.go_back(t, n, dy); });
      if (t > 0) steps.carry(steps.dc, t, steps.dh);
    }
    if (pass.parameters) {
      add_products(*trace.input, trace.saved[place_states], steps.da, steps.dc, s);
      add_biases(steps.da, steps.dc);
    }
    if (dx) input_gradient(steps.da, *trace.input, *dx);
  }

  Curvature curvature() const override { return Curvature::curved; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(trace.output.shape());
    const Sizes s = sizes(x_tangent);
    Tensor<S>&a = trace.save(place_a_tangent, {s.n, s.steps, 3 * s.h}),
    &c = trace.save(place_c_tangent, {s.steps, s.n, 3 * s.h}),
    &gates = trace.save(place_gates_tangent, {s.steps, s.n, 3 * s.h}),
    &states = trace.save(place_states_tangent, {s.steps + 1, s.n, s.h});
    kernels::conv_output<S>({.batch = s.n * s.steps, .in_c = options_.in, .out_c = 3 * s.h}, x_tangent.data(),
                            w_.value.data(), a.data());
    std::fill_n(states.data(), s.n * s.h, S(0));
    for (Index t = 0; t < s.steps; ++t) {
      kernels::conv_output<S>(recurrence(s), states.data() + t * s.n * s.h, u_.value.data(),
                              c.data() + t * s.n * 3 * s.h);
      for_samples(s, 20, [&](Index n) {
        const Index at = (t * s.n + n) * 3 * s.h, state = (t * s.n + n) * s.h;
        const S *da = a.data() + (n * s.steps + t) * 3 * s.h, *dc = c.data() + at;
        const S *r = trace.saved[place_gates].data() + at, *z = r + s.h, *m = z + s.h;
        const S *c_m = trace.saved[place_c].data() + at + 2 * s.h, *before = trace.saved[place_states].data() + state;
        S *dr = gates.data() + at, *dz = dr + s.h, *dm = dz + s.h;
        const S* dbefore = states.data() + state;
        S* dh = states.data() + state + s.n * s.h;
        for (Index i = 0; i < s.h; ++i) {
          dr[i] = r[i] * (S(1) - r[i]) * (da[i] + dc[i]);
          dz[i] = z[i] * (S(1) - z[i]) * (da[s.h + i] + dc[s.h + i]);
          dm[i] = (S(1) - m[i] * m[i]) * (da[2 * s.h + i] + dr[i] * c_m[i] + r[i] * dc[2 * s.h + i]);
          dh[i] = (S(1) - z[i]) * dm[i] + z[i] * dbefore[i] + dz[i] * (before[i] - m[i]);
        }
        put_out(s, t, n, dh, trace.output_tangent);
      });
    }
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    const Steps steps(*this, trace, true);
    const Sizes& s = steps.s;
    for (Index t = s.steps; t-- > 0;) {
      for_samples(s, 60, [&](Index n) { steps.go_back_tangent(t, n, dy, dy_tangent); });
      if (t == 0) break;
      steps.carry(steps.dc, t, steps.dh);
      steps.carry(*steps.dc_tangent, t, *steps.dh_tangent);
    }
    add_products(*trace.input, trace.saved[place_states], *steps.da_tangent, *steps.dc_tangent, s);
    add_products(*trace.input_tangent, trace.saved[place_states_tangent], steps.da, steps.dc, s);
    add_biases(*steps.da_tangent, *steps.dc_tangent);
    if (dx_tangent) input_gradient(*steps.da_tangent, *trace.input, *dx_tangent);
  }

  bool has_parameters() const override { return true; }
  void collect(State<S>& state) override {
    for (Parameter<S>* parameter : {&w_, &u_, &b_, &d_}) state.parameters.push_back(parameter);
  }
  /// Weights from the initialiser, biases 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    for (Parameter<S>* parameter : {&w_, &u_}) {
      Random stream = random.stream(parameter->name);
      weights(parameter->value, {parameter->value.dim(0), options_.hidden}, stream);
    }
    b_.value.fill(S(0));
    d_.value.fill(S(0));
  }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<GRU>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  void set_name(const std::string& name) override {
    Layer<S>::set_name(name);
    w_.name = name + ".weight_ih_l0";
    u_.name = name + ".weight_hh_l0";
    b_.name = name + ".bias_ih_l0";
    d_.name = name + ".bias_hh_l0";
  }

 private:
  // x W lies sample by sample, as x does; all else step by step, so that a step's rows are one matrix. As n counts
  // samples, the formulas' n is called m.
  enum Place : std::size_t {
    place_a,
    place_c,
    place_gates,
    place_states,  // from h_0 on
    place_da,
    place_dc,
    place_dh,
    place_through,
    place_a_tangent,
    place_c_tangent,
    place_gates_tangent,
    place_states_tangent,
    place_da_tangent,
    place_dc_tangent,
    place_dh_tangent
  };
  struct Sizes {
    Index n, steps, h;
  };

  static GRUOptions checked(const GRUOptions& o) {
    require(o.in > 0 && o.hidden > 0, "gru: expected positive `in` and `hidden`, got ", o.in, " and ", o.hidden);
    require(o.hidden <= internal::most_size, "gru: expected a `hidden` of at most ", internal::most_size, ", got ",
            o.hidden);
    return o;
  }
  Sizes sizes(const Tensor<S>& x) const { return {x.dim(0), x.dim(1), options_.hidden}; }
  static kernels::ConvGeometry recurrence(const Sizes& s) { return {.batch = s.n, .in_c = s.h, .out_c = 3 * s.h}; }

  template <class Body>
  static void for_samples(const Sizes& s, double cost, const Body& body) {
    parallel_blocks(s.n, std::max<Index>(1, 1024 / s.h), cost * static_cast<double>(s.n * s.h),
                    [&](Index begin, Index end) {
                      for (Index n = begin; n < end; ++n) body(n);
                    });
  }
  template <class Rule, class... From>
  static void map(Index count, const Rule& rule, S* to, const From*... from) {
    kernels::internal::map_range(0, count, rule, to, from...);
  }

  void put_out(const Sizes& s, Index t, Index n, const S* h, Tensor<S>& y) const {
    if (!options_.last)
      std::copy_n(h, s.h, y.data() + (n * s.steps + t) * s.h);
    else if (t + 1 == s.steps)
      std::copy_n(h, s.h, y.data() + n * s.h);
  }

  /// What the way back through the steps reads and writes.
  struct Steps {
    const GRU& gru;
    Sizes s;
    const Tensor<S>&c, &gates, &states;
    Tensor<S>&da, &dc, &dh, &through;
    const Tensor<S>*c_tangent = nullptr, *gates_tangent = nullptr, *states_tangent = nullptr;
    Tensor<S>*da_tangent = nullptr, *dc_tangent = nullptr, *dh_tangent = nullptr;

    Steps(const GRU& of, Trace<S>& trace, bool tangents)
        : gru(of),
          s(of.sizes(*trace.input)),
          c(trace.saved[place_c]),
          gates(trace.saved[place_gates]),
          states(trace.saved[place_states]),
          da(trace.save(place_da, {s.n, s.steps, 3 * s.h})),
          dc(trace.save(place_dc, {s.steps, s.n, 3 * s.h})),
          dh(trace.save(place_dh, {s.n, s.h})),
          through(trace.save(place_through, {s.n, s.h})) {
      dh.fill(S(0));
      if (!tangents) return;
      c_tangent = &trace.saved[place_c_tangent];
      gates_tangent = &trace.saved[place_gates_tangent];
      states_tangent = &trace.saved[place_states_tangent];
      da_tangent = &trace.save(place_da_tangent, {s.n, s.steps, 3 * s.h});
      dc_tangent = &trace.save(place_dc_tangent, {s.steps, s.n, 3 * s.h});
      dh_tangent = &trace.save(place_dh_tangent, {s.n, s.h});
      dh_tangent->fill(S(0));
    }

    /// The gradient, or its tangent, that comes into a state from the output; null for none.
    const S* from_output(const Tensor<S>* dy, Index t, Index n) const {
      const bool last = gru.options_.last;
      if (dy == nullptr || (last && t + 1 < s.steps)) return nullptr;
      return dy->data() + (last ? n : n * s.steps + t) * s.h;
    }

    /// Step t of sample n: dh becomes dh z, to which `carry` adds the rest.
    void go_back(Index t, Index n, const Tensor<S>& dy) const {
      const Index h = s.h, at = (t * s.n + n) * 3 * h;
      const S* out = from_output(&dy, t, n);
      const S *r = gates.data() + at, *z = r + h, *m = z + h, *c_m = c.data() + at + 2 * h;
      const S* before = states.data() + (t * s.n + n) * h;
      S *da_n = da.data() + (n * s.steps + t) * 3 * h, *dc_n = dc.data() + at, *dh_n = dh.data() + n * h;
      for (Index i = 0; i < h; ++i) {
        const S g = dh_n[i] + (out ? out[i] : S(0));
        const S dm = g * (S(1) - z[i]) * (S(1) - m[i] * m[i]);
        da_n[i] = dc_n[i] = dm * c_m[i] * r[i] * (S(1) - r[i]);
        da_n[h + i] = dc_n[h + i] = g * (before[i] - m[i]) * z[i] * (S(1) - z[i]);
        da_n[2 * h + i] = dm;
        dc_n[2 * h + i] = dm * r[i];
        dh_n[i] = g * z[i];
      }
    }

    /// The same, and its derivative along the tangents.
    void go_back_tangent(Index t, Index n, const Tensor<S>& dy, const Tensor<S>* dy_tangent) const {
      const Index h = s.h, at = (t * s.n + n) * 3 * h, state = (t * s.n + n) * h;
      const S *out = from_output(&dy, t, n), *out_t = from_output(dy_tangent, t, n);
      const S *r = gates.data() + at, *z = r + h, *m = z + h, *c_m = c.data() + at + 2 * h;
      const S *r_t = gates_tangent->data() + at, *z_t = r_t + h, *m_t = z_t + h,
              *c_m_t = c_tangent->data() + at + 2 * h;
      const S *before = states.data() + state, *before_t = states_tangent->data() + state, *dh_n = dh.data() + n * h;
      S *da_t = da_tangent->data() + (n * s.steps + t) * 3 * h, *dc_t = dc_tangent->data() + at,
        *dh_t = dh_tangent->data() + n * h;
      for (Index i = 0; i < h; ++i) {
        const S g = dh_n[i] + (out ? out[i] : S(0)), g_t = dh_t[i] + (out_t ? out_t[i] : S(0));
        const S slope_r = r[i] * (S(1) - r[i]), slope_z = z[i] * (S(1) - z[i]), slope_m = S(1) - m[i] * m[i];
        const S away = before[i] - m[i], away_t = before_t[i] - m_t[i];
        const S dm = g * (S(1) - z[i]) * slope_m;
        const S dm_t = (g_t * (S(1) - z[i]) - g * z_t[i]) * slope_m - S(2) * g * (S(1) - z[i]) * m[i] * m_t[i];
        da_t[i] = dc_t[i] = (dm_t * c_m[i] + dm * c_m_t[i]) * slope_r + dm * c_m[i] * (S(1) - S(2) * r[i]) * r_t[i];
        da_t[h + i] = dc_t[h + i] = (g_t * away + g * away_t) * slope_z + g * away * (S(1) - S(2) * z[i]) * z_t[i];
        da_t[2 * h + i] = dm_t;
        dc_t[2 * h + i] = dm_t * r[i] + dm * r_t[i];
        dh_t[i] = g_t * z[i] + g * z_t[i];
      }
      go_back(t, n, dy);
    }

    /// to += dc_t U^T, the gradient of the state in front of step t.
    void carry(const Tensor<S>& of, Index t, Tensor<S>& to) const {
      kernels::conv_input_gradient<S>(recurrence(s), of.data() + t * s.n * 3 * s.h, gru.u_.value.data(),
                                      through.data());
      for_samples(s, 1, [&](Index n) {
        for (Index i = n * s.h; i < (n + 1) * s.h; ++i) to[i] += through[i];
      });
    }
  };

  /// dW += x^T da, dU += h^T dc, where h_{t-1} goes with dc_t.
  void add_products(const Tensor<S>& x, const Tensor<S>& states, const Tensor<S>& da, const Tensor<S>& dc,
                    const Sizes& s) {
    kernels::conv_weight_gradient<S>({.batch = s.n * s.steps, .in_c = options_.in, .out_c = 3 * s.h}, x.data(),
                                     da.data(), w_.grad.data());
    kernels::conv_weight_gradient<S>({.batch = s.n * s.steps, .in_c = s.h, .out_c = 3 * s.h}, states.data(), dc.data(),
                                     u_.grad.data());
  }
  void add_biases(const Tensor<S>& da, const Tensor<S>& dc) {
    kernels::add_column_sums(da.rows(), da.cols(), da.data(), b_.grad.data());
    kernels::add_column_sums(dc.rows(), dc.cols(), dc.data(), d_.grad.data());
  }
  void input_gradient(const Tensor<S>& da, const Tensor<S>& x, Tensor<S>& dx) const {
    dx.resize(x.shape());
    kernels::conv_input_gradient<S>({.batch = da.rows(), .in_c = options_.in, .out_c = da.cols()}, da.data(),
                                    w_.value.data(), dx.data());
  }

  GRUOptions options_;
  Parameter<S> w_, u_, b_, d_;
};

RIVAL_INSTANTIATE_CLASS(GRU);

}  // namespace rival
