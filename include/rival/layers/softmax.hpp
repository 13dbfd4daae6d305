#pragma once
// Softmax: the numbers of the last axis as probabilities of one choice among them, or as a draw of it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "rival/core/finite.hpp"
#include "rival/core/parallel.hpp"
#include "rival/kernels/elementwise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// How sharp a Softmax is, and whether it draws.
struct SoftmaxOptions {
  double temperature = 1;         ///< towards 0 the largest takes all, towards infinity all are equal
  bool gumbel = false;            ///< training adds Gumbel noise: the outputs are soft draws
  bool straight_through = false;  ///< training puts out the largest as 1 and the others as 0

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("temperature", o.temperature);
    f("gumbel", o.gumbel);
    f("straight_through", o.straight_through);
  }
};

/// p = e^z / sum of e^z over the last axis, with z = (x + g) / temperature; g is 0, or with `gumbel`, while training,
/// -log(-log u) of uniform numbers u, one for each of x, which makes p a soft draw of the choice whose probabilities
/// are the softmax of x (Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2017; Maddison, Mnih
/// and Teh, 2017). The output y is p. With `straight_through`, while training, it is 1 where p is largest (the first,
/// of equals) and 0 elsewhere, and gradients go through as if it were p (Bengio, Leonard and Courville, 2013).
///
/// Evaluation is a pure function: y = e^(x / temperature) / sum, without noise and never hardened, whatever the
/// options. Who wants one choice takes the largest, or draws by these probabilities; a generator samples more boldly or
/// more carefully after `set_temperature`. Hard draws with Gumbel noise follow the softmax of x whatever the
/// temperature in training was: evaluation has the same law at temperature 1.
///
/// The noise comes from the layer's own random stream: `forward` reads it where it stands, `commit` moves it on.
///
///     backward:          dx = p (dy - <p dy>) / temperature, where <.> is the sum over the axis
///     forward_tangent:   y' = p (x' - <p x'>) / temperature
///     backward_tangent:  dx' = (p' (dy - <p dy>) + p (dy' - <p' dy> - <p dy'>)) / temperature
///
/// There are none of the last two with `straight_through`, whose output is a step: it belongs into generators.
template <class S = float>
class Softmax : public Layer<S> {
 public:
  using Options = SoftmaxOptions;  ///< what it is made from
  /// Throws Error unless the temperature is positive and finite.
  explicit Softmax(const SoftmaxOptions& options = {}) : options_(options) { set_temperature(options.temperature); }

  std::string_view kind() const override { return "softmax"; }
  Description describe() const override { return rival::describe("softmax", options_); }
  /// The options that it was made with, with the temperature of the moment.
  const SoftmaxOptions& options() const { return options_; }

  /// Throws Error unless it is positive and finite.
  void set_temperature(double temperature) {
    const S inverse = static_cast<S>(1 / temperature);
    require(temperature > 0 && inverse > S(0) && is_finite(inverse),
            "softmax: expected a positive, finite `temperature`, got ", temperature);
    inverse_ = inverse;
    options_.temperature = temperature;
  }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() >= 1 && input.back() > 0, *this, ": expected samples with a last axis, got ", input);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.mode = pass.mode;
    trace.output.resize(x.shape());
    Tensor<S>& p = hardens(trace) ? trace.save(saved_soft, x.shape()) : trace.output;
    Tensor<S>* noise = nullptr;
    if (draws(trace)) {
      noise = &trace.save(saved_noise, x.shape());
      Random stream = stream_;
      stream.fill_uniform(*noise, smallest, S(1));
    }
    const Index cols = x.cols();
    for_blocks(x, 40, [&](Index begin, Index end) {
      if (noise)
        kernels::internal::map_range(
            begin, end, [](const auto& x_, const auto& u_) { return x_ - (-u_.log()).log(); }, p.data(), x.data(),
            noise->data());
      const S* z = noise ? p.data() : x.data();
      for (Index i = begin; i < end; i += cols) {
        const S largest = *std::max_element(z + i, z + i + cols);
        for (Index k = i; k < i + cols; ++k) p[k] = inverse_ * (z[k] - largest);
      }
      kernels::internal::map_range(
          begin, end, [](const auto& z_) { return z_.exp(); }, p.data(), p.data());
      for (Index i = begin; i < end; i += cols) {
        S sum = S(0);
        for (Index k = i; k < i + cols; ++k) sum += p[k];
        const S factor = S(1) / sum;
        for (Index k = i; k < i + cols; ++k) p[k] *= factor;
        if (&p != &trace.output) harden(p.data() + i, cols, trace.output.data() + i);
      }
    });
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>&) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    project(soft(trace), dy, *dx);
  }

  Curvature curvature() const override {
    require(!options_.straight_through, *this, ": has no tangents with `straight_through`, whose output is a step");
    return Curvature::curved;
  }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    curvature();
    trace.input_tangent = &x_tangent;
    trace.output_tangent.resize(x_tangent.shape());
    project(soft(trace), x_tangent, trace.output_tangent);
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>& dy, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    if (dx_tangent == nullptr) return;
    dx_tangent->resize(dy.shape());
    const Tensor<S>&p = soft(trace), &p_tangent = trace.output_tangent;
    const Index cols = dy.cols();
    for_blocks(dy, 8, [&](Index begin, Index end) {
      for (Index i = begin; i < end; i += cols) {
        S mean = S(0), bend = S(0);
        for (Index k = i; k < i + cols; ++k) {
          mean += p[k] * dy[k];
          bend += p_tangent[k] * dy[k] + (dy_tangent ? p[k] * (*dy_tangent)[k] : S(0));
        }
        for (Index k = i; k < i + cols; ++k)
          (*dx_tangent)[k] =
              inverse_ * (p_tangent[k] * (dy[k] - mean) + p[k] * ((dy_tangent ? (*dy_tangent)[k] : S(0)) - bend));
      }
    });
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (draws(trace)) stream_.skip((static_cast<std::uint64_t>(trace.output.size()) + per_block - 1) / per_block);
  }

  /// The stream, with `gumbel`.
  void collect(State<S>& state) override {
    if (options_.gumbel) state.streams.emplace_back(this->name(), &stream_);
  }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Softmax>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  static constexpr std::size_t saved_noise = 0, saved_soft = 1;
  static constexpr S smallest = S(0x1p-30);  // of u, whose logarithm is taken

  bool draws(const Trace<S>& trace) const { return trace.mode == Mode::train && options_.gumbel; }
  bool hardens(const Trace<S>& trace) const { return trace.mode == Mode::train && options_.straight_through; }
  const Tensor<S>& soft(const Trace<S>& trace) const { return hardens(trace) ? trace.saved[saved_soft] : trace.output; }

  /// Rows in blocks of some thousand elements: body(begin, end) of elements.
  template <class Body>
  static void for_blocks(const Tensor<S>& x, double cost, const Body& body) {
    const Index cols = x.cols(), rows = std::max<Index>(1, 4096 / cols);
    parallel_blocks(x.rows(), rows, cost * static_cast<double>(x.size()),
                    [&](Index first, Index last) { body(first * cols, last * cols); });
  }

  /// to = p (v - <p v>) / temperature: the derivative along v, and, being symmetric, the gradient too.
  void project(const Tensor<S>& p, const Tensor<S>& v, Tensor<S>& to) const {
    const Index cols = v.cols();
    for_blocks(v, 4, [&](Index begin, Index end) {
      for (Index i = begin; i < end; i += cols) {
        S mean = S(0);
        for (Index k = i; k < i + cols; ++k) mean += p[k] * v[k];
        for (Index k = i; k < i + cols; ++k) to[k] = inverse_ * p[k] * (v[k] - mean);
      }
    });
  }

  /// 1 in the place of the largest; NaN stays NaN, or a generator that is lost would look well.
  static void harden(const S* p, Index cols, S* y) {
    std::fill(y, y + cols, S(0));
    const Index place = std::max_element(p, p + cols) - p;
    y[place] = p[place] / p[place];
  }

  SoftmaxOptions options_;
  S inverse_ = S(1);  // of the temperature
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(Softmax);

}  // namespace rival
