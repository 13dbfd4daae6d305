#pragma once
// RMSProp.

#include <string>
#include <utility>
#include <vector>

#include "rival/optim/optimizer.hpp"

namespace rival {

/// RMSprop's numbers.
struct RmsPropOptions {
  double learning_rate = 1e-2;  ///< before the schedule's factor
  double alpha = 0.99;          ///< how much of the mean square is kept at each step
  double epsilon = 1e-8;        ///< added to the root that is divided by
  double momentum = 0;          ///< of the divided gradient; 0: none
  bool centered = false;        ///< divides by the deviation of the gradient instead of its root mean square
  double weight_decay = 0;      ///< adds weight_decay * value to the gradient
  Schedule schedule = {};       ///< of factors of the learning rate
};

/// g = dvalue + weight_decay value;  v = alpha v + (1 - alpha) g^2;  value -= learning_rate g / (sqrt(v) + epsilon)
///
/// Centered, with m = alpha m + (1 - alpha) g, the root is of v - m^2 (Graves, 2013). With momentum,
/// u = momentum u + g / (sqrt(v) + epsilon) and value -= learning_rate u. (Tieleman and Hinton, 2012.)
/// Throws Error for options out of range.
template <class S = float>
class RmsProp : public Optimizer<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit RmsProp(std::vector<Parameter<S>*> parameters, const RmsPropOptions& options = {})
      : Optimizer<S>("rmsprop", std::move(parameters), options.learning_rate, options.schedule, kept(options)),
        alpha_(static_cast<S>(options.alpha)),
        rest_(static_cast<S>(1 - options.alpha)),
        epsilon_(static_cast<S>(options.epsilon)),
        momentum_(static_cast<S>(options.momentum)),
        weight_decay_(static_cast<S>(options.weight_decay)),
        centered_(options.centered) {
    this->check(options.alpha >= 0 && options.alpha < 1, "0 <= alpha < 1", options.alpha);
    this->check(options.epsilon >= 0, "a finite epsilon >= 0", options.epsilon);
    this->check(options.momentum >= 0 && momentum_ < S(1), "0 <= momentum < 1", options.momentum);
    this->check(options.weight_decay >= 0, "a finite weight_decay >= 0", options.weight_decay);
  }

 private:
  using Line = internal::Line<S>;

  static std::vector<std::string> kept(const RmsPropOptions& options) {
    std::vector<std::string> names{"mean_square"};
    if (options.centered) names.push_back("mean_gradient");
    if (options.momentum != 0) names.push_back("velocity");
    return names;
  }

  void prepare(double learning_rate) override { rate_ = static_cast<S>(learning_rate); }

  void update(const internal::Run<S>& run) const override {
    const auto scale = [&](const Line& value, Line& g, Line& v) {
      g += weight_decay_ * value;
      v = alpha_ * v + rest_ * g.square();
      g /= v.sqrt() + epsilon_;
    };
    const auto scale_centered = [&](const Line& value, Line& g, Line& v, Line& m) {
      g += weight_decay_ * value;
      v = alpha_ * v + rest_ * g.square();
      m = alpha_ * m + rest_ * g;
      g /= (v - m.square()).max(S(0)).sqrt() + epsilon_;  // a variance, which rounding may leave just below zero
    };
    const auto move = [&](Line& value, const Line& g, Line& u) {
      u = momentum_ * u + g;
      value -= rate_ * u;
    };
    if (!centered_ && momentum_ == S(0))
      internal::sweep<1>(run, [&](Line& value, Line& g, Line& v) {
        scale(value, g, v);
        value -= rate_ * g;
      });
    else if (!centered_)
      internal::sweep<2>(run, [&](Line& value, Line& g, Line& v, Line& u) {
        scale(value, g, v);
        move(value, g, u);
      });
    else if (momentum_ == S(0))
      internal::sweep<2>(run, [&](Line& value, Line& g, Line& v, Line& m) {
        scale_centered(value, g, v, m);
        value -= rate_ * g;
      });
    else
      internal::sweep<3>(run, [&](Line& value, Line& g, Line& v, Line& m, Line& u) {
        scale_centered(value, g, v, m);
        move(value, g, u);
      });
  }

  S alpha_, rest_, epsilon_, momentum_, weight_decay_;
  bool centered_;
  S rate_ = S(0);
};

RIVAL_INSTANTIATE_CLASS(RmsProp);

}  // namespace rival
