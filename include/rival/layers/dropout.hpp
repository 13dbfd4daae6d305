#pragma once
// Dropout: sets random elements to zero while training.

#include <cstdint>
#include <memory>
#include <string_view>

#include "rival/kernels/elementwise.hpp"
#include "rival/nn/layer.hpp"

namespace rival {

/// How much a Dropout drops.
struct DropoutOptions {
  double rate = 0.5;  ///< the probability that an element is dropped, in [0, 1)

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("rate", o.rate);
  }
};

/// Training: every element is dropped with probability `rate` and divided by 1 - rate otherwise, so that its
/// mean stays. Evaluation: the identity (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014).
///
/// The mask comes from the layer's own random stream. `forward` reads the stream where it stands; `commit`
/// moves it on.
template <class S = float>
class Dropout : public Layer<S> {
 public:
  using Options = DropoutOptions;  ///< what it is made from
  /// Throws Error unless 0 <= rate < 1.
  explicit Dropout(const DropoutOptions& options = {}) : options_(options), rate_(static_cast<S>(options.rate)) {
    require(options.rate >= 0 && rate_ < S(1), "dropout: expected a rate in [0, 1), got ", options.rate);
  }

  std::string_view kind() const override { return "dropout"; }
  Description describe() const override { return rival::describe("dropout", options_); }
  bool gates_input() const override { return true; }
  Shape output_shape(const Shape& input) const override { return input; }

  const Tensor<S>& forward(const Tensor<S>& x, Trace<S>& trace, const ForwardPass<S>& pass) const override {
    trace.input = &x;
    trace.mode = pass.mode;
    if (!drops(trace)) {
      trace.output.alias(x, x.shape());
      return trace.output;
    }
    Tensor<S>& mask = trace.save(0, x.shape());
    Random stream = stream_;
    stream.fill_uniform(mask);
    trace.output.resize(x.shape());
    kernels::dropout(x.data(), mask.data(), trace.output.data(), x.size(), rate_);
    return trace.output;
  }

  void backward(Trace<S>& trace, const Tensor<S>& dy, Tensor<S>* dx, const BackwardPass<S>& pass) override {
    if (dx == nullptr) return;
    dx->resize(dy.shape());
    const S* x = trace.input->data();
    if (drops(trace))
      kernels::dropout_gradient(x, trace.saved[0].data(), dy.data(), dx->data(), dy.size(), pass.slope);
    else
      kernels::leaky_relu_gradient(x, dy.data(), dx->data(), dy.size(), pass.slope);
  }

  Curvature curvature() const override { return Curvature::linear; }

  const Tensor<S>& forward_tangent(const Tensor<S>& x_tangent, Trace<S>& trace, const TangentPass<S>&) const override {
    trace.output_tangent.resize(x_tangent.shape());
    if (drops(trace))
      trace.output_tangent.array() = x_tangent.array() * trace.saved[0].array();
    else
      trace.output_tangent = x_tangent;
    return trace.output_tangent;
  }

  void backward_tangent(Trace<S>& trace, const Tensor<S>&, const Tensor<S>* dy_tangent, Tensor<S>* dx_tangent,
                        const TangentPass<S>&) override {
    internal::backward_linear(*this, trace, dy_tangent, dx_tangent);
  }

  void commit(const Trace<S>& trace) override {
    constexpr std::uint64_t per_block = 16 / sizeof(S);  // numbers that fill_uniform makes of one block
    if (drops(trace)) stream_.skip((static_cast<std::uint64_t>(trace.output.size()) + per_block - 1) / per_block);
  }

  void collect(State<S>& state) override { state.streams.emplace_back(this->name(), &stream_); }
  void initialise(const Initialiser<S>&, const Random& random) override { stream_ = random.stream(this->name()); }

  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Dropout>(*this); }
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 private:
  bool drops(const Trace<S>& trace) const { return trace.mode == Mode::train && rate_ > S(0); }

  DropoutOptions options_;
  S rate_;
  Random stream_;
};

RIVAL_INSTANTIATE_CLASS(Dropout);

}  // namespace rival
