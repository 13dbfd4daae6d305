#pragma once
// PhaseShuffle: shifts each signal by a few random steps while training.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/kernels/elementwise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// How far a PhaseShuffle shifts.
struct PhaseShuffleOptions {
  Index radius = 2;  ///< the most steps of a shift, to either side

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("radius", o.radius);
  }
};

/// Training: y[n, i, :] = x[n, i - s_n, :] for a batch of signals {N, L, C}, the shift s_n of each sample being one of
/// -radius ... radius, all as likely; in front of the first step and behind the last the signal is reflected, x[-1] =
/// x[1] and x[L] = x[L - 2]. Evaluation: the identity. Between the layers of a discriminator it keeps it from judging a
/// sound by where its waves begin, which transposed convolutions give away (Donahue, McAuley and Puckette, "Adversarial
/// audio synthesis", 2019; their program draws one shift for a whole batch).
///
/// The shifts come from the layer's own random stream, one number a sample. `forward` reads the stream where it stands;
/// `commit` moves it on.
template <class S = float>
class PhaseShuffle : public Layer<S> {
 public:
  using Options = PhaseShuffleOptions;  ///< what it is made from
  /// Throws Error for a radius below 0.
  explicit PhaseShuffle(const PhaseShuffleOptions& options = {}) : options_(options) {
    require(options.radius >= 0, "phase_shuffle: expected `radius` >= 0, got ", options.radius);
  }

  std::string_view kind() const override { return "phase_shuffle"; }
  Description describe() const override { return rival::describe("phase_shuffle", options_); }
  /// The options that it was made with.
  const PhaseShuffleOptions& options() const { return options_; }
  bool gates_input() const override { return true; }

  Shape output_shape(const Shape& input) const override {
    require(input.rank() == 2, *this, ": expected signals length x channels, got ", input);
    require(input[0] > options_.radius, *this, ": expected signals longer than the radius of ", options_.radius,
            ", got a length of ", input[0]);
    return input;
  }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    output_shape(x.shape().sample());
    trace.input = &x;
    trace.mode = pass.mode;
    if (!shifts(trace)) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Random stream = stream_;
    stream.fill_uniform(trace.save(0, {x.dim(0)}));
    shift(x, trace, trace.output);
    return trace.output;
  }

  /// Adds each step's gradient to that of the step which it came from.
  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    const S* x = trace.input->data();
    if (!shifts(trace)) return kernels::leaky_relu_gradient(x, dy.data(), dx->data(), dy.size(), pass.slope);
    const Index length = dy.dim(1), channels = dy.dim(2), size = length * channels;
    parallel_for(dy.dim(0), 3.0 * static_cast<double>(dy.size()), [&](Index n) {
      S* to = dx->data() + n * size;
      std::fill(to, to + size, S(0));
      for_each_run(shift_of(trace, n), length, [&](Index i, Index source, Index steps) {
        const S* from = dy.data() + n * size + i * channels;
        for (Index k = 0; k < steps * channels; ++k) to[source * channels + k] += from[k];
      });
      if (pass.slope != S(1))
        for (Index k = 0; k < size; ++k) to[k] *= x[n * size + k] > S(0) ? S(1) : pass.slope;
    });
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    if (shifts(trace))
      shift(x_tangent, trace, trace.output_tangent);
    else
      trace.output_tangent.alias(x_tangent, x_tangent.shape());
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (shifts(trace)) stream_.skip((static_cast<std::uint64_t>(trace.saved[0].size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<PhaseShuffle>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  bool shifts(const Trace<S>& trace) const { return trace.mode == Mode::train && options_.radius > 0; }

  /// A draw from [0, 1) as one of -radius ... radius.
  Index shift_of(const Trace<S>& trace, Index n) const {
    const Index count = 2 * options_.radius + 1;
    const auto place = static_cast<Index>(static_cast<double>(trace.saved[0][n]) * static_cast<double>(count));
    return std::min(place, count - 1) - options_.radius;
  }

  /// body(i, source, steps): the steps from i on come from those from `source` on. Those that are reflected are runs of
  /// one step, all others one run.
  template <class Body>
  static void for_each_run(Index by, Index length, const Body& body) {
    const Index begin = std::max<Index>(by, 0), end = std::min(length, length + by);
    for (Index i = 0; i < begin; ++i) body(i, by - i, 1);
    body(begin, begin - by, end - begin);
    for (Index i = end; i < length; ++i) body(i, 2 * (length - 1) - (i - by), 1);
  }

  void shift(const Tensor<S>& x, const Trace<S>& trace, Tensor<S>& y) const {
    y.resize(x.shape());
    const Index length = x.dim(1), channels = x.dim(2), size = length * channels;
    parallel_for(x.dim(0), 2.0 * static_cast<double>(x.size()), [&](Index n) {
      const S* from = x.data() + n * size;
      S* to = y.data() + n * size;
      for_each_run(shift_of(trace, n), length, [&](Index i, Index source, Index steps) {
        std::copy_n(from + source * channels, steps * channels, to + i * channels);
      });
    });
  }

  PhaseShuffleOptions options_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(PhaseShuffle);

}  // namespace rival
