#pragma once
// WeightNorm: a layer whose weights are learnt as directions and lengths.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>

#include "rival/core/parallel.hpp"
#include "rival/core/workspace.hpp"
#include "rival/kernels/reduce.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/weighted.hpp"

namespace rival {

/// What a WeightNorm does beside its layer.
struct WeightNormOptions {
  /// Whether the lengths are learnt. If not they stay as `initialise` or `normalise_outputs` leaves them: training then
  /// turns weights, and never makes them larger.
  bool learn_lengths = true;

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("learn_lengths", o.learn_lengths);
  }
};

/// The layer L (dense, convolution, transposed convolution) with W = g v / |v| in place of its weight, where |v| is the
/// length of each output channel's numbers in v, of W's shape, and g has one number for each (Salimans and Kingma,
/// "Weight normalization: a simple reparameterization to accelerate training of deep neural networks", 2016):
///
///     WeightNorm(Conv2d({.in = 64, .out = 128}))
///
/// v is drawn as L's weight would be, and g = |v|, so that W = v at first. With G the gradient with respect to W and
/// `<.>` the sum over an output channel's numbers:
///
///     dg = <G v> / |v|,  dv = g / |v| (G - v <G v> / |v|^2)
///
/// In files learnt g and v are PyTorch's weight_g and weight_v; of transposed convolutions those of its dim = 1, as
/// lengths are the output channels' here. Where v is all zeros, W is too.
template <PlainWeighted L>
class WeightNorm : public L {
 public:
  static constexpr bool wrapped = true;  ///< no second wrapper goes around it
  using S = typename L::Scalar;          ///< of the layer within

  /// Around that layer, from whose weight v and g are taken: the product stays what it was.
  explicit WeightNorm(const L& layer, const WeightNormOptions& options = {})
      : L(layer),
        options_(options),
        kind_("weight_norm " + std::string(layer.kind())),
        short_name_(layer.short_name()) {
    const Parameter<S>& v = this->weight();
    Shape lengths;
    for (Index axis = 0; axis + 1 < v.value.rank(); ++axis) lengths.push_back(1);
    lengths.push_back(v.value.cols());
    if (options.learn_lengths) {
      learnt_ = {"weight_g", lengths};
      learnt_.axes = v.axes;
    } else {
      fixed_ = {"weight_g", Tensor<S>(lengths)};
    }
    lengths_of(v.value, this->lengths().data());
  }

  /// "weight_norm" and L's kind.
  std::string_view kind() const override { return kind_; }
  /// Of L: normalised or not, the first convolution is "conv1".
  std::string_view short_name() const override { return short_name_; }
  /// L's description within.
  Description describe() const override {
    return internal::describe_around(rival::describe("weight_norm", options_), L::describe());
  }

  /// The lengths g, {1, ..., out}. The directions v are `weight()`.
  Tensor<S>& lengths() { return options_.learn_lengths ? learnt_.value : fixed_.value; }
  /// The same, to be read only.
  const Tensor<S>& lengths() const { return options_.learn_lengths ? learnt_.value : fixed_.value; }

  /// The lengths, learnt or fixed, and what L has.
  void collect(State<S>& state) override {
    if (options_.learn_lengths)
      state.parameters.push_back(&learnt_);
    else
      state.buffers.push_back(&fixed_);
    L::collect(state);
  }
  /// v from the initialiser, g = |v|, biases 0.
  void initialise(const Initialiser<S>& weights, const Random& random) override {
    L::initialise(weights, random);
    lengths_of(this->weight().value, lengths().data());
  }

  /// Sets g and b so that over these inputs {N, ...} every output channel has mean 0 and deviation 1 (the paper's
  /// data-dependent initialisation). A channel that is the same for all of them gets mean 0 alone. Throws Error without
  /// a bias, and for inputs that the layer does not take.
  void normalise_outputs(const Tensor<S>& x) {
    Parameter<S>& bias = this->bias();
    require(!bias.value.empty(), *this, ": expected a bias, to make its outputs' means 0; got none");
    require(x.rank() >= 1 && x.dim(0) >= 1, *this, ": expected a batch, got ", x.shape());
    Trace<S> trace;
    const Tensor<S>& y = this->forward(x, trace, {});
    for (Index c = 0; c < y.cols(); ++c) {
      const auto outputs = y.matrix().col(c).array();
      const S mean = outputs.mean(), deviation = std::sqrt((outputs - mean).square().mean());
      const S scale = deviation > S(0) ? S(1) / deviation : S(1);
      lengths()[c] *= scale;
      bias.value[c] = (bias.value[c] - mean) * scale;
    }
  }

  /// A copy with parameters of its own.
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<WeightNorm>(*this); }
  /// Takes over all of another layer of this kind, g too.
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }
  /// Names v "weight_v" and g "weight_g".
  void set_name(const std::string& name) override {
    L::set_name(name);
    this->weight().name = name + ".weight_v";
    learnt_.name = fixed_.name = name + ".weight_g";
  }

 protected:
  /// W = g v / |v|, kept in the trace.
  const Tensor<S>& make_weight(Trace<S>& trace, Mode) const override {
    const Tensor<S>& v = this->weight().value;
    Tensor<S>& inverse = trace.save(saved_inverse, {v.cols()});
    lengths_of(v, inverse.data());
    for (Index c = 0; c < v.cols(); ++c) inverse[c] = inverse[c] > S(0) ? S(1) / inverse[c] : S(0);
    Tensor<S>& w = trace.save(saved_weight, v.shape());
    for_rows(v, [&](Index r) { row(w, r) = row(v, r) * (lengths().array() * inverse.array()); });
    return w;
  }
  /// The one of that trace's forward pass.
  const Tensor<S>& made_weight(const Trace<S>& trace) const override { return trace.saved[saved_weight]; }

  /// Where the gradient with respect to W is added, set to zero.
  Tensor<S>& weight_gradient(Trace<S>& trace) override {
    Tensor<S>& gradient = trace.save(saved_gradient, this->weight().value.shape());
    gradient.fill(S(0));
    return gradient;
  }
  /// Adds dg and dv, as they follow from that gradient.
  void finish_weight_gradient(Trace<S>& trace) override {
    const Tensor<S>&gradient = trace.saved[saved_gradient], &v = this->weight().value;
    const auto inverse = trace.saved[saved_inverse].array();
    Tensor<S>& along = trace.save(saved_along, {v.cols()});  // <G v> / |v|
    sum_columns(v, along.data(),
                [&](Index at, Index count) { return piece(gradient, at, count) * piece(v, at, count); });
    along.array() *= inverse;
    if (options_.learn_lengths) learnt_.grad.array() += along.array();
    Tensor<S>& dv = this->weight().grad;
    for_rows(v, [&](Index r) {
      row(dv, r) += (lengths().array() * inverse) * (row(gradient, r) - row(v, r) * (along.array() * inverse));
    });
  }

 private:
  // The places in Trace::saved.
  static constexpr std::size_t saved_weight = L::first_place, saved_inverse = saved_weight + 1,
                               saved_gradient = saved_weight + 2, saved_along = saved_weight + 3;

  static ArrayMap<S> row(Tensor<S>& x, Index r) { return {x.data() + r * x.cols(), x.cols()}; }
  static ConstArrayMap<S> row(const Tensor<S>& x, Index r) { return {x.data() + r * x.cols(), x.cols()}; }
  static kernels::internal::RowPiece<S> piece(const Tensor<S>& x, Index at, Index count) {
    return {x.data() + at, count};
  }

  template <class Body>
  static void for_rows(const Tensor<S>& v, const Body& body) {
    parallel_blocks(v.rows(), std::max<Index>(1, 4096 / v.cols()), 2.0 * static_cast<double>(v.size()),
                    [&](Index begin, Index end) {
                      for (Index r = begin; r < end; ++r) body(r);
                    });
  }

  /// sums[c] = sum over rows of term[row, c], where term(at, count) are `count` of the elements from `at` on.
  template <class Term>
  static void sum_columns(const Tensor<S>& v, S* sums, const Term& term) {
    using namespace kernels::internal;
    const Index rows = v.rows(), cols = v.cols();
    S* partial = scratch<S>(Scratch::partial_sums, row_blocks(rows) * cols);
    for_each_block(rows, cols, [&](Index block, Index first, Index last, Index column, Index count) {
      RowSums<S> sum = RowSums<S>::Zero(count);
      for (Index r = first; r < last; ++r) sum += term(r * cols + column, count);
      RowPieceMap<S>(partial + block * cols + column, count) = sum;
    });
    std::fill_n(sums, cols, S(0));
    add_blocks(row_blocks(rows), cols, partial, sums);
  }
  static void lengths_of(const Tensor<S>& v, S* lengths) {
    sum_columns(v, lengths, [&](Index at, Index count) { return piece(v, at, count).square(); });
    for (Index c = 0; c < v.cols(); ++c) lengths[c] = std::sqrt(lengths[c]);
  }

  WeightNormOptions options_;
  std::string kind_, short_name_;
  Parameter<S> learnt_;  // the lengths, if they are,
  Buffer<S> fixed_;      // or if they are not
};

RIVAL_INSTANTIATE_FLOAT(class WeightNorm<Conv1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<Conv1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<Conv2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<Conv2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<ConvTranspose1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<ConvTranspose1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<ConvTranspose2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<ConvTranspose2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class WeightNorm<Dense<float>>);
RIVAL_INSTANTIATE_DOUBLE(class WeightNorm<Dense<double>>);

}  // namespace rival
