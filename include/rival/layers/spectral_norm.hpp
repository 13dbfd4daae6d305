#pragma once
// SpectralNorm: a layer whose weight matrix is divided by its largest singular value.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/weighted.hpp"

namespace rival {

/// How a SpectralNorm finds the norm.
struct SpectralNormOptions {
  Index iterations = 1;  ///< of the power method, in each training pass

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("iterations", o.iterations);
  }
};

namespace internal {

/// sum of a[i] b[i]: block by block, then the blocks in their order.
template <class S>
S dot(const Tensor<S>& a, const Tensor<S>& b) {
  constexpr Index block = 4096;
  const Index blocks = (a.size() + block - 1) / block;
  S* partial = scratch<S>(Scratch::partial_sums, blocks);
  parallel_blocks(a.size(), block, static_cast<double>(a.size()), [&](Index begin, Index end) {
    partial[begin / block] =
        a.array().segment(begin, end - begin).matrix().dot(b.array().segment(begin, end - begin).matrix());
  });
  S sum = S(0);
  for (Index i = 0; i < blocks; ++i) sum += partial[i];
  return sum;
}

}  // namespace internal

/// The layer L (dense, convolution, transposed convolution) with the weight W / sigma in place of W, where sigma = v^T
/// W u is about the largest singular value of W as a matrix of (kernel_h kernel_w in) rows by out columns (Miyato,
/// Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks", 2018):
///
///     SpectralNorm(Conv2d({.in = 64, .out = 128}))
///
/// Each training pass takes a step of the power method, v = W u / |W u|, u = W^T v / |W^T v|, from the vectors that are
/// kept with the network; `commit` keeps the new ones. Evaluation takes them as they are, unless the weights have been
/// set since and they no longer fit: then it lets the power method settle first. The gradient goes through sigma, with
/// u and v as constants: `dW = (G - <G, W / sigma> v u^T) / sigma`, G being that with respect to W / sigma.
///
/// A weight that is all zeros stays so.
template <PlainWeighted L>
class SpectralNorm : public L {
 public:
  static constexpr bool wrapped = true;  ///< no second wrapper goes around it
  using S = typename L::Scalar;          ///< of the layer within

  /// Throws Error unless iterations >= 1.
  explicit SpectralNorm(const L& layer, const SpectralNormOptions& options = {})
      : L(layer),
        iterations_(options.iterations),
        kind_("spectral_norm " + std::string(layer.kind())),
        short_name_(layer.short_name()) {
    require(iterations_ >= 1, kind_, ": expected at least 1 iteration, got ", iterations_);
    const Tensor<S>& w = this->weight().value;
    u_ = {"u", Tensor<S>({w.cols()}, S(1))};
    v_ = {"v", Tensor<S>({w.rows()}, S(1))};
    normalise(u_.value);
    normalise(v_.value);
  }

  /// "spectral_norm" and L's kind.
  std::string_view kind() const override { return kind_; }
  /// Of L: normalised or not, the first convolution is "conv1".
  std::string_view short_name() const override { return short_name_; }
  /// The iterations, and L's description within.
  Description describe() const override {
    return internal::describe_around(rival::describe("spectral_norm", SpectralNormOptions{iterations_}), L::describe());
  }

  /// The vectors of the power method: {out} and {kernel_h kernel_w in}.
  Buffer<S>& u() { return u_; }
  /// The other one of them, {kernel_h kernel_w in}.
  Buffer<S>& v() { return v_; }

  /// L's state, and u and v as buffers.
  void collect(State<S>& state) override {
    L::collect(state);
    state.buffers.insert(state.buffers.end(), {&u_, &v_});
  }
  /// Also draws u, and lets the power method settle.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    L::initialise(weights, random);
    Random stream = random.stream(u_.name);
    stream.fill_normal(u_.value);
    normalise(u_.value);
    iterate(u_.value, v_.value, settling_iterations);
    fitted_ = true;
  }
  /// Takes over u and v of a training pass.
  void commit(const Trace<S>& trace) override {
    L::commit(trace);
    if (trace.mode != Mode::train || trace.saved[saved_sigma][0] == S(0)) return;
    u_.value = trace.saved[saved_u];
    v_.value = trace.saved[saved_v];
    fitted_ = true;
  }

  /// A copy with parameters, u and v of its own.
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<SpectralNorm>(*this); }
  /// Takes over all of another layer of this kind, u and v too.
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  /// Names L's parameters, and u and v behind them.
  void set_name(const std::string& name) override {
    L::set_name(name);
    u_.name = name + ".u";
    v_.name = name + ".v";
  }

 protected:
  /// W / sigma, kept in the trace with the u and v that gave it; in training after a further step of the power method.
  const Tensor<S>& make_weight(Trace<S>& trace, Mode mode) const override {
    trace.mode = mode;
    const Tensor<S>& w = this->weight().value;
    Tensor<S>&u = trace.save(saved_u, u_.value.shape()), &v = trace.save(saved_v, v_.value.shape());
    u = u_.value;
    v = v_.value;
    Tensor<S>& sigma = trace.save(saved_sigma, {1});
    if (mode == Mode::train) {
      sigma[0] = iterate(u, v, iterations_);
    } else {
      Tensor<S>& product = trace.save(saved_product, u.shape());
      multiply_columns(v, product);
      sigma[0] = internal::dot(product, u);
      // One step more tells whether the vectors belong to these weights. Trained ones differ by less. Vectors that
      // somebody has set, from a file say, are taken as they are.
      Tensor<S>&next_u = trace.save(saved_next_u, u.shape()), &next_v = trace.save(saved_next_v, v.shape());
      next_u = u;
      next_v = v;
      const S next = iterate(next_u, next_v, 1);
      if (fitted_ ? std::abs(next - sigma[0]) > S(0.1) * next : as_made(u_.value) && as_made(v_.value)) {
        sigma[0] = settle(next_u, next_v, next);
        u = next_u;
        v = next_v;
      }
    }
    Tensor<S>& normal = trace.save(saved_weight, w.shape());
    const S inverse = inverse_sigma(trace);
    parallel_blocks(w.size(), block, static_cast<double>(w.size()), [&](Index begin, Index end) {
      normal.array().segment(begin, end - begin) = inverse * w.array().segment(begin, end - begin);
    });
    return normal;
  }
  /// The one of that trace's forward pass.
  const Tensor<S>& made_weight(const Trace<S>& trace) const override { return trace.saved[saved_weight]; }

  /// Where the gradient with respect to W / sigma is added, set to zero.
  Tensor<S>& weight_gradient(Trace<S>& trace) override {
    Tensor<S>& gradient = trace.save(saved_gradient, this->weight().value.shape());
    gradient.fill(S(0));
    return gradient;
  }
  /// Adds dW, as it follows from that gradient, to W's.
  void finish_weight_gradient(Trace<S>& trace) override {
    const Tensor<S>&gradient = trace.saved[saved_gradient], &u = trace.saved[saved_u], &v = trace.saved[saved_v];
    const S inverse = inverse_sigma(trace), along = internal::dot(gradient, trace.saved[saved_weight]);
    Tensor<S>& dw = this->weight().grad;
    const Index columns = u.size(), rows = std::max<Index>(1, block / columns);
    parallel_blocks(v.size(), rows, 2.0 * static_cast<double>(dw.size()), [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r)
        dw.array().segment(r * columns, columns) +=
            inverse * (gradient.array().segment(r * columns, columns) - (along * v[r]) * u.array());
    });
  }

 private:
  static constexpr Index block = 4096;              // elements that are one task's
  static constexpr Index settling_iterations = 15;  // as PyTorch's
  static constexpr int most_settling = 1000;
  // The places in Trace::saved.
  static constexpr std::size_t saved_u = L::first_place, saved_v = saved_u + 1, saved_product = saved_u + 2,
                               saved_sigma = saved_u + 3, saved_weight = saved_u + 4, saved_gradient = saved_u + 5,
                               saved_next_u = saved_u + 6, saved_next_v = saved_u + 7;

  /// The factor that makes W / sigma of W; of zeros it makes zeros.
  static S inverse_sigma(const Trace<S>& trace) {
    const S sigma = trace.saved[saved_sigma][0];
    return sigma == S(0) ? S(1) : S(1) / sigma;
  }
  /// To length 1. Returns the length that it had.
  static S normalise(Tensor<S>& vector) {
    const S length = vector.array().matrix().norm();
    vector.array() /= std::max(length, S(1e-12));
    return length;
  }
  /// W is the weight of a dense layer here.
  kernels::ConvGeometry matrix() const { return {.batch = 1, .in_c = v_.value.size(), .out_c = u_.value.size()}; }
  /// u = W^T v
  void multiply_columns(const Tensor<S>& v, Tensor<S>& u) const {
    kernels::conv_output(matrix(), v.data(), this->weight().value.data(), u.data());
  }
  /// Returns v^T W u.
  S iterate(Tensor<S>& u, Tensor<S>& v, Index iterations) const {
    S sigma = S(0);
    for (Index i = 0; i < iterations; ++i) {
      kernels::conv_input_gradient(matrix(), u.data(), this->weight().value.data(), v.data());
      normalise(v);
      multiply_columns(v, u);
      sigma = normalise(u);
    }
    return sigma;
  }

  /// Whether the vector is the one that a new layer has: all elements equal.
  static bool as_made(const Tensor<S>& vector) { return (vector.array() == vector[0]).all(); }

  /// From vectors that may be anything, until sigma changes no more.
  S settle(Tensor<S>& u, Tensor<S>& v, S sigma) const {
    for (int i = 0; i < most_settling; ++i) {
      const S before = sigma;
      sigma = iterate(u, v, 1);
      if (std::abs(sigma - before) <= 4 * std::numeric_limits<S>::epsilon() * sigma) break;
    }
    return sigma;
  }

  Index iterations_;
  bool fitted_ = false;  // the vectors have been, to these weights or earlier ones
  std::string kind_, short_name_;
  Buffer<S> u_, v_;
};

RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<Conv1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<Conv1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<ConvTranspose1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<ConvTranspose1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<Conv2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<Conv2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<ConvTranspose2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<ConvTranspose2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class SpectralNorm<Dense<float>>);
RIVAL_INSTANTIATE_DOUBLE(class SpectralNorm<Dense<double>>);

}  // namespace rival
