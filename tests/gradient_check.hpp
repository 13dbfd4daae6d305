// Holds a layer's backward pass, and the shortcuts that it offers to a Sequential, against finite differences
// in double.
//
//   check_gradients(Dense<double>({.in = 5, .out = 4}), Shape{3, 5});
//   check_gradients(Conv2d<double>({.in = 2, .out = 3, .kernel = {3, 4}, .stride = 2}), Shape{3, 5, 7, 2});
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "rival/nn/layer.hpp"

namespace rival::test {

struct GradientCheck {
  std::vector<Mode> modes = {Mode::train, Mode::eval};
  /// Half the distance of a central difference. With values of order 1 its error is about step^2 from the
  /// third derivative and 2e-16 / step from rounding: 1e-10 and 2e-11 at this step, far from the tolerance on
  /// both sides.
  double step = 1e-5;
  /// Of every single difference, relative to the largest entry of that gradient. Relative to the entry itself
  /// would ask for digits that a small entry among large ones has not; relative to 1 would let a gradient
  /// that is all small go by.
  double tolerance = 1e-6;
  /// Inputs fill (-scale, scale) evenly, in random order.
  double scale = 2;
  std::uint64_t seed = 1;
  /// Whether the layer must have tangents, as it must to stand in a discriminator with a gradient penalty.
  bool tangents = true;
  /// For layers that depend on labels: the samples' labels, taken in turn.
  std::vector<Label> labels = {};
  /// For layers that make one sample of several: of how many.
  Index pack = 1;
};

namespace internal {

/// Values spread evenly over (-scale, scale), in random order. No two are closer than 2 scale / size and none
/// is nearer to zero than a quarter of that, so neither a ReLU nor a maximum has a kink within a step.
inline Tensor<double> spread(const Shape& shape, double scale, Random random) {
  Tensor<double> values(shape);
  std::vector<Index> order;
  random.permutation(values.size(), order);
  for (Index i = 0; i < values.size(); ++i)
    values[i] =
        scale *
        (2 * (static_cast<double>(order[static_cast<std::size_t>(i)]) + 0.25) / static_cast<double>(values.size()) - 1);
  return values;
}

inline double largest(const Tensor<double>& values) {
  double most = 0;
  for (Index i = 0; i < values.size(); ++i) most = std::max(most, std::abs(values[i]));
  return most;
}

/// Gathers what is wrong with one layer.
class GradientChecker {
 public:
  GradientChecker(Layer<double>& layer, const Shape& batch, const GradientCheck& options)
      : layer_(layer), options_(options), random_(options.seed) {
    if (layer_.name().empty()) layer_.set_name("checked");
    layer_.initialise(normal<double>(0, 1), random_);
    layer_.collect(state_);
    // Biases and scales too must not stay at 0 and 1, where a wrong gradient can hide. Buffers hold
    // variances: above 0.
    for (auto* parameter : state_.parameters) random_.fill_uniform(parameter->value, -1.0, 1.0);
    for (auto* buffer : state_.buffers) random_.fill_uniform(buffer->value, 0.5, 1.5);
    x_ = spread(batch, options_.scale, random_.stream("input"));
  }

  std::vector<std::string> run() {
    for (const Mode mode : options_.modes) {
      mode_ = mode;
      check_forward();
      check_differences();
      check_wanted();
      if (layer_.fuses_activation()) check_fused();
      if (layer_.gates_input()) check_gated();
      check_tangents();
    }
    return problems_;
  }

 private:
  using Gradients = std::vector<Tensor<double>>;

  template <class... Parts>
  void report(const Parts&... parts) {
    std::ostringstream text;
    text << layer_ << (mode_ == Mode::train ? " in training: " : " in evaluation: ");
    (text << ... << parts);
    problems_.push_back(text.str());
  }

  /// Every element of `got` must be within tolerance * scale of `expected`; reports the worst one. The scale
  /// stays above the rounding of differences for gradients that are zero, as a bias's is in front of batch
  /// norm.
  void compare(const std::string& what, const Tensor<double>& got, const Tensor<double>& expected, double tolerance) {
    if (got.shape() != expected.shape())
      return report(what, ": expected shape ", expected.shape(), ", got ", got.shape());
    const double scale = std::max(largest(expected), 1e-3);
    Index worst = 0;
    double error = -1;
    for (Index i = 0; i < got.size(); ++i) {
      const double difference = std::abs(got[i] - expected[i]) / scale;
      if (error == error && !(difference <= error)) error = difference, worst = i;  // NaN is worst of all
    }
    if (error == -1 || error <= tolerance) return;
    report(what, "[", worst, "]: expected ", expected[worst], ", got ", got[worst], ", error ", error,
           " of the largest");
  }
  void compare(const std::string& what, const Gradients& got, const Gradients& expected, double tolerance) {
    for (std::size_t p = 0; p < got.size(); ++p)
      compare(what + " " + state_.parameters[p]->name, got[p], expected[p], tolerance);
  }

  const Tensor<double>& forward(const Tensor<double>& x, double slope = 1) {
    labels_.clear();
    if (!options_.labels.empty())
      for (Index n = 0; n < x.dim(0); ++n)
        labels_.push_back(options_.labels[static_cast<std::size_t>(n) % options_.labels.size()]);
    return layer_.forward(x, trace_, {.mode = mode_, .slope = slope, .labels = labels_});
  }

  void zero_gradients() {
    for (auto* parameter : state_.parameters) parameter->grad.fill(0);
  }
  Gradients gradients() const {
    Gradients copy;
    for (const auto* parameter : state_.parameters) copy.push_back(parameter->grad);
    return copy;
  }

  /// The gradient with respect to the input, into a tensor full of NaN, which finds what is not written.
  Tensor<double> backward(bool parameters, double slope = 1) {
    Tensor<double> dx(x_.shape(), std::numeric_limits<double>::quiet_NaN());
    layer_.backward(trace_, dy_, &dx, {parameters, slope});
    return dx;
  }

  void check_forward() {
    // What an earlier pass over a larger batch left behind must not matter.
    const Tensor<double> dirt(x_.shape().with(0, x_.dim(0) + options_.pack), 0.5);
    forward(dirt);
    for (std::size_t i = 0; i < trace_.saved.size(); ++i)
      trace_.saved[i].fill(std::numeric_limits<double>::quiet_NaN());
    y_ = forward(x_);
    const Shape expected = layer_.output_shape(x_.shape().sample()).batch(x_.dim(0) / options_.pack);
    if (y_.shape() != expected) report("output_shape says ", expected, ", forward gave ", y_.shape());
    if (!y_.array().isFinite().all()) report("output is not finite");
    compare("output of a second pass", forward(x_), y_, 0);
    dy_.resize(y_.shape());
    Random stream = random_.stream("dy");
    stream.fill_uniform(dy_, -1.0, 1.0);
  }

  /// d(dy . y) / d(values[i]) for all i. Summing differences, not values, keeps outputs that do not move out
  /// of the rounding.
  Tensor<double> differences(Tensor<double>& values) {
    Tensor<double> d(values.shape());
    for (Index i = 0; i < values.size(); ++i) {
      const double value = values[i];
      values[i] = value + options_.step;
      const Tensor<double> up = forward(x_);
      values[i] = value - options_.step;
      const Tensor<double>& down = forward(x_);
      for (Index k = 0; k < dy_.size(); ++k) d[i] += dy_[k] * (up[k] - down[k]);
      d[i] /= 2 * options_.step;
      values[i] = value;
    }
    return d;
  }

  void check_differences() {
    forward(x_);
    zero_gradients();
    dx_ = backward(true);
    gradients_ = gradients();
    compare("dx", dx_, differences(x_), options_.tolerance);
    for (std::size_t p = 0; p < gradients_.size(); ++p)
      compare("gradient of " + state_.parameters[p]->name, gradients_[p], differences(state_.parameters[p]->value),
              options_.tolerance);
  }

  /// Backward may be repeated, adds up, and computes what is wanted and nothing else.
  void check_wanted() {
    constexpr double rounding = 1e-12;  // sums may be taken in another order, no more
    forward(x_);
    zero_gradients();
    backward(true);
    compare("dx of a second backward", backward(true), dx_, 0);
    Gradients doubled = gradients_;
    for (auto& gradient : doubled) gradient.array() *= 2.0;
    compare("backward twice adds up in", gradients(), doubled, rounding);

    const Gradients before = gradients();
    compare("dx without the parameters", backward(false), dx_, rounding);
    compare("backward without the parameters leaves", gradients(), before, 0);

    zero_gradients();
    layer_.backward(trace_, dy_, nullptr, {true, 1});
    compare("backward without dx:", gradients(), gradients_, rounding);
    layer_.backward(trace_, dy_, nullptr, {false, 1});
    compare("backward of nothing leaves", gradients(), gradients_, rounding);
  }

  /// forward(slope) is forward and the leaky ReLU behind it, and leaves all that this layer's backward needs.
  void check_fused() {
    for (const double slope : {0.0, 0.2}) {
      Tensor<double> expected = y_;
      for (Index i = 0; i < expected.size(); ++i) expected[i] = expected[i] > 0 ? expected[i] : slope * expected[i];
      const std::string fused = "fused with slope " + std::to_string(slope) + ", ";
      compare(fused + "output", forward(x_, slope), expected, 1e-12);
      zero_gradients();
      compare(fused + "dx", backward(true), dx_, 1e-12);
      compare(fused + "gradient of", gradients(), gradients_, 1e-12);
    }
    forward(x_);
  }

  /// backward(slope) is backward and that of the leaky ReLU in front. At exactly zero the slope counts.
  void check_gated() {
    Tensor<double> x = x_;
    for (Index i = 0; i < x.size(); i += 3) x[i] = 0;
    forward(x);
    zero_gradients();
    const Tensor<double> plain = backward(true);
    const Gradients expected_gradients = gradients();
    for (const double slope : {0.0, 0.2}) {
      Tensor<double> expected = plain;
      for (Index i = 0; i < expected.size(); ++i) expected[i] *= x[i] > 0 ? 1 : slope;
      const std::string gated = "gated with slope " + std::to_string(slope) + ", ";
      zero_gradients();
      compare(gated + "dx", backward(true, slope), expected, 1e-12);
      compare(gated + "gradient of", gradients(), expected_gradients, 1e-12);
    }
    forward(x_);
  }

  bool has_tangents() const {
    try {
      layer_.curvature();
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  /// forward_tangent and backward_tangent against differences of forward and of backward along a line, and what the
  /// shortcuts promise.
  void check_tangents() {
    if (has_tangents() != options_.tangents)
      report("expected it to have ", options_.tangents ? "tangents" : "no tangents");
    if (!has_tangents()) return;
    const bool linear = layer_.curvature() == Curvature::linear;
    const Tensor<double> v = uniform(x_.shape(), "x_tangent"), w = uniform(dy_.shape(), "dy_tangent");

    const auto [y_v, dx_vw, grads_vw] = differences_along(v, &w);
    compare("forward_tangent", forward_tangent(v), y_v, options_.tolerance);
    zero_gradients();
    compare("dx_tangent", backward_tangent(&w), dx_vw, options_.tolerance);
    compare("tangent of the gradient of", gradients(), grads_vw, options_.tolerance);
    const Gradients once = gradients();
    backward_tangent(&w);
    Gradients doubled = once;
    for (auto& gradient : doubled) gradient.array() *= 2.0;
    compare("backward_tangent twice adds up in", gradients(), doubled, 1e-12);
    zero_gradients();
    layer_.backward_tangent(trace_, dy_, &w, nullptr, {});
    compare("backward_tangent without dx_tangent:", gradients(), once, 1e-12);

    const auto [y_again, dx_v, grads_v] = differences_along(v, nullptr);
    forward_tangent(v);
    zero_gradients();
    const Tensor<double> dx_tangent = backward_tangent(nullptr);
    compare("dx_tangent while dy stays", dx_tangent, dx_v, options_.tolerance);
    compare("tangent while dy stays of the gradient of", gradients(), grads_v, options_.tolerance);
    if (linear) compare("dx_tangent of a linear layer", dx_tangent, Tensor<double>(x_.shape()), 0);

    if (layer_.fuses_activation()) {
      Tensor<double> expected = forward_tangent(v);
      for (Index i = 0; i < expected.size(); ++i) expected[i] *= dy_[i] > 0 ? 1 : 0.2;
      compare("gated forward_tangent", layer_.forward_tangent(v, trace_, {.gate = dy_.data(), .slope = 0.2}), expected,
              1e-12);
    }
    if (linear) check_affine(v);
  }

  /// The affine map at x + v is y + y'(v), and so are its gradients.
  void check_affine(const Tensor<double>& v) {
    Tensor<double> there = x_, expected = forward_tangent(v);
    there.array() += v.array();
    expected.array() += y_.array();
    zero_gradients();
    backward(true);
    backward_tangent(nullptr);
    const Gradients sums = gradients();
    compare("affine forward_tangent", layer_.forward_tangent(there, trace_, {.affine = true}), expected, 1e-11);
    zero_gradients();
    layer_.backward_tangent(trace_, dy_, nullptr, nullptr, {.affine = true});
    compare("affine gradient of", gradients(), sums, 1e-11);
  }

  Tensor<double> uniform(const Shape& shape, const char* stream_name) const {
    Tensor<double> values(shape);
    Random stream = random_.stream(stream_name);
    stream.fill_uniform(values, -1.0, 1.0);
    return values;
  }

  /// After a pass and a backward pass at x_.
  const Tensor<double>& forward_tangent(const Tensor<double>& v) {
    forward(x_);
    Tensor<double> dx;
    layer_.backward(trace_, dy_, &dx, {.keep = true});
    trace_.output_tangent.resize(y_.shape());
    trace_.output_tangent.fill(std::numeric_limits<double>::quiet_NaN());
    return layer_.forward_tangent(v, trace_, {});
  }
  Tensor<double> backward_tangent(const Tensor<double>* dy_tangent) {
    Tensor<double> dx_tangent(x_.shape(), std::numeric_limits<double>::quiet_NaN());
    layer_.backward_tangent(trace_, dy_, dy_tangent, &dx_tangent, {});
    return dx_tangent;
  }

  /// Differences of y, dx and the parameters' gradients along x_ + e v, dy_ + e w.
  std::tuple<Tensor<double>, Tensor<double>, Gradients> differences_along(const Tensor<double>& v,
                                                                          const Tensor<double>* w) {
    const Tensor<double> x = x_, dy = dy_;
    const double step = options_.step;
    const auto at = [&](double e) {
      x_.array() = x.array() + e * v.array();
      if (w) dy_.array() = dy.array() + e * w->array();
      std::tuple<Tensor<double>, Tensor<double>, Gradients> result;
      std::get<0>(result) = forward(x_);
      zero_gradients();
      std::get<1>(result) = backward(true);
      std::get<2>(result) = gradients();
      return result;
    };
    auto up = at(step);
    const auto down = at(-step);
    x_ = x, dy_ = dy;
    const auto difference = [&](Tensor<double>& a, const Tensor<double>& b) {
      a.array() = (a.array() - b.array()) / (2 * step);
    };
    difference(std::get<0>(up), std::get<0>(down));
    difference(std::get<1>(up), std::get<1>(down));
    for (std::size_t p = 0; p < std::get<2>(up).size(); ++p) difference(std::get<2>(up)[p], std::get<2>(down)[p]);
    return up;
  }

  Layer<double>& layer_;
  GradientCheck options_;
  Random random_;
  State<double> state_;
  Mode mode_ = Mode::train;
  std::vector<Label> labels_;
  Trace<double> trace_;
  Tensor<double> x_, y_, dy_, dx_;
  Gradients gradients_;
  std::vector<std::string> problems_;
};

}  // namespace internal

/// What is wrong with the layer's gradients for inputs of shape `batch`: one line each, none if all is well.
/// A template, though of double alone, so that it can be compiled once for all tests.
template <class S>
std::vector<std::string> gradient_problems(Layer<S>& layer, const Shape& batch, const GradientCheck& options = {}) {
  return internal::GradientChecker(layer, batch, options).run();
}
RIVAL_INSTANTIATE_DOUBLE(std::vector<std::string> gradient_problems(Layer<double>&, const Shape&,
                                                                    const GradientCheck&));

/// Draws the weights of `layer` anew and fails the running test for whatever is wrong with its gradients.
inline void check_gradients(Layer<double>& layer, const Shape& batch, const GradientCheck& options = {}) {
  for (const std::string& problem : gradient_problems(layer, batch, options))
    FAIL_CHECK(problem << " (input " << batch << ")");
  SUCCEED();
}
inline void check_gradients(Layer<double>&& layer, const Shape& batch, const GradientCheck& options = {}) {
  check_gradients(layer, batch, options);
}

}  // namespace rival::test
