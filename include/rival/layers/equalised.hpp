#pragma once
// Equalised: a layer whose weights are all of size 1, and scaled when they are used.

#include <cmath>
#include <memory>
#include <string>
#include <string_view>

#include "rival/core/finite.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/dense.hpp"
#include "rival/layers/weighted.hpp"

namespace rival {

/// What an Equalised layer multiplies its weight by.
struct EqualisedOptions {
  double gain = 1;  ///< sqrt(2) keeps the size of signals through ReLUs

  /// Calls f(name, member) for every option.
  template <class O, class F>
  static void each(O& o, F&& f) {
    f("gain", o.gain);
  }
};

/// The layer L (dense, convolution, transposed convolution) with the weight W gain / sqrt(fan_in) in place of W, and W
/// drawn from a normal distribution of deviation 1 whatever the initialiser (Karras, Aila, Laine and Lehtinen,
/// "Progressive growing of GANs", 2018: the equalised learning rate):
///
///     Equalised(Conv2d({.in = 64, .out = 128}))
///
/// Optimisers that divide by the size of the gradient, such as Adam, move every weight as far, whatever its fan.
template <PlainWeighted L>
class Equalised : public L {
 public:
  static constexpr bool wrapped = true;  ///< no second wrapper goes around it
  using S = typename L::Scalar;          ///< of the layer within

  /// Throws Error unless gain > 0.
  explicit Equalised(const L& layer, const EqualisedOptions& options = {})
      : L(layer),
        options_(options),
        factor_(static_cast<S>(options.gain / std::sqrt(static_cast<double>(this->fan().in)))),
        kind_("equalised " + std::string(layer.kind())),
        short_name_(layer.short_name()) {
    require(factor_ > S(0) && is_finite(factor_), kind_, ": expected a positive, finite gain, got ", options.gain);
  }

  /// "equalised" and L's kind.
  std::string_view kind() const override { return kind_; }
  /// Of L: equalised or not, the first convolution is "conv1".
  std::string_view short_name() const override { return short_name_; }
  /// The gain, and L's description within.
  Description describe() const override {
    return internal::describe_around(rival::describe("equalised", options_), L::describe());
  }

  /// What W is multiplied by.
  S factor() const { return factor_; }

  /// Weights normal with deviation 1, biases 0.
  void initialise(const Initialiser<S>&, const Random& random) override { L::initialise(normal<S>(0, 1), random); }

  /// A copy with parameters of its own.
  std::unique_ptr<Layer<S>> clone() const override { return std::make_unique<Equalised>(*this); }
  /// Takes over all of another layer of this kind, L's options too.
  void assign(const Layer<S>& other) override { internal::assign(*this, other); }

 protected:
  /// factor W, kept in the trace.
  const Tensor<S>& make_weight(Trace<S>& trace, Mode) const override {
    const Tensor<S>& w = this->weight().value;
    Tensor<S>& used = trace.save(saved_weight, w.shape());
    for_blocks(
        [&](Index begin, Index size) { used.array().segment(begin, size) = factor_ * w.array().segment(begin, size); });
    return used;
  }
  /// The one of that trace's forward pass.
  const Tensor<S>& made_weight(const Trace<S>& trace) const override { return trace.saved[saved_weight]; }

  /// Where dW of the scaled weight is added, set to zero.
  Tensor<S>& weight_gradient(Trace<S>& trace) override {
    Tensor<S>& gradient = trace.save(saved_gradient, this->weight().value.shape());
    gradient.fill(S(0));
    return gradient;
  }
  /// Adds the factor times that gradient to W's.
  void finish_weight_gradient(Trace<S>& trace) override {
    const Tensor<S>& gradient = trace.saved[saved_gradient];
    Tensor<S>& dw = this->weight().grad;
    for_blocks([&](Index begin, Index size) {
      dw.array().segment(begin, size) += factor_ * gradient.array().segment(begin, size);
    });
  }

 private:
  // The places in Trace::saved.
  static constexpr std::size_t saved_weight = L::first_place, saved_gradient = saved_weight + 1;

  template <class Body>
  void for_blocks(const Body& body) const {
    const Index size = this->weight().value.size();
    parallel_blocks(size, 4096, static_cast<double>(size), [&](Index begin, Index end) { body(begin, end - begin); });
  }

  EqualisedOptions options_;
  S factor_;
  std::string kind_, short_name_;
};

RIVAL_INSTANTIATE_FLOAT(class Equalised<Conv1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<Conv1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<ConvTranspose1d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<ConvTranspose1d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<Conv2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<Conv2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<ConvTranspose2d<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<ConvTranspose2d<double>>);
RIVAL_INSTANTIATE_FLOAT(class Equalised<Dense<float>>);
RIVAL_INSTANTIATE_DOUBLE(class Equalised<Dense<double>>);

}  // namespace rival
