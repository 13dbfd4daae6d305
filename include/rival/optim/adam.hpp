#pragma once
// Adam, and AdamW, whose weight decay bypasses the moments.

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/optim/optimizer.hpp"

namespace rival {

/// Adam's numbers, with the defaults of the paper.
struct AdamOptions {
  double learning_rate = 1e-3;  ///< before the schedule's factor
  double beta1 = 0.9;           ///< how much of the mean gradient is kept at each step; 0.5 is usual for GANs
  double beta2 = 0.999;         ///< how much of the mean square is kept
  double epsilon = 1e-8;        ///< added to the root of the mean square
  double weight_decay = 0;      ///< adds weight_decay * value to the gradient
  Schedule schedule = {};       ///< of factors of the learning rate
  /// Of beta1 and beta2 themselves, such as cosine_burn_in({.from = 0.9, .to = 0.99, .steps = 10'000}), instead of the
  /// numbers above, if not empty.
  Schedule beta1_schedule = {},  ///< of beta1, by the number of steps made
      beta2_schedule = {};       ///< of beta2
};

/// g = dvalue + weight_decay value;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// value -= learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)   at the t-th step
///
/// (Kingma and Ba, 2015). Where the betas follow schedules, beta^t is the present beta to the power of t, as in PyTorch
/// when its betas are set anew between the steps. Throws Error for options out of range, and from step(), which then
/// changes nothing, when a schedule gives no beta in [0, 1).
template <class S = float>
class Adam : public Optimizer<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit Adam(std::vector<Parameter<S>*> parameters, const AdamOptions& options = {})
      : Adam("adam", std::move(parameters), options, false) {}

 protected:
  /// For rules that take Adam's step: `kind` begins its errors, and `decoupled` weight decay shrinks the values
  /// themselves.
  Adam(std::string_view kind, std::vector<Parameter<S>*> parameters, const AdamOptions& options, bool decoupled)
      : Optimizer<S>(kind, std::move(parameters), options.learning_rate, options.schedule,
                     {"first_moment", "second_moment"}),
        options_(options),
        decoupled_(decoupled) {
    this->check(options.beta1 >= 0 && options.beta1 < 1, "0 <= beta1 < 1", options.beta1);
    this->check(options.beta2 >= 0 && options.beta2 < 1, "0 <= beta2 < 1", options.beta2);
    this->check(options.epsilon >= 0, "a finite epsilon >= 0", options.epsilon);
    this->check(options.weight_decay >= 0, "a finite weight_decay >= 0", options.weight_decay);
  }

 private:
  using Line = internal::Line<S>;

  /// The constants of one step.
  struct Constants {
    S beta1, beta2, rest1, rest2, epsilon;
    S step_size;      // learning_rate / (1 - beta1^t)
    S root_scale;     // 1 / sqrt(1 - beta2^t)
    S decay, shrink;  // what of the value goes into the gradient, and what the value loses
  };

  void prepare(double learning_rate) override {
    const double beta1 =
        scheduled(options_.beta1_schedule, options_.beta1, "a beta1_schedule that gives 0 <= beta1 < 1");
    const double beta2 =
        scheduled(options_.beta2_schedule, options_.beta2, "a beta2_schedule that gives 0 <= beta2 < 1");
    const auto t = static_cast<double>(this->steps() + 1);
    now_ = {static_cast<S>(beta1),
            static_cast<S>(beta2),
            static_cast<S>(1 - beta1),
            static_cast<S>(1 - beta2),
            static_cast<S>(options_.epsilon),
            static_cast<S>(learning_rate / (1 - std::pow(beta1, t))),
            static_cast<S>(1 / std::sqrt(1 - std::pow(beta2, t))),
            static_cast<S>(decoupled_ ? 0 : options_.weight_decay),
            static_cast<S>(decoupled_ ? learning_rate * options_.weight_decay : 0)};
  }

  /// The beta of this step.
  double scheduled(const Schedule& schedule, double otherwise, const char* expected) const {
    if (!schedule) return otherwise;
    const double beta = schedule(this->steps(), this->run());
    this->check(beta >= 0 && beta < 1, expected, beta);
    return beta;
  }

  void update(const internal::Run<S>& run) const override {
    const Constants c = now_;
    internal::sweep<2>(run, [&](Line& value, Line& g, Line& m, Line& v) {
      g += c.decay * value;
      value -= c.shrink * value;
      m = c.beta1 * m + c.rest1 * g;
      v = c.beta2 * v + c.rest2 * g.square();
      value -= c.step_size * m / (c.root_scale * v.sqrt() + c.epsilon);
    });
  }

  AdamOptions options_;
  bool decoupled_;
  Constants now_{};
};

/// AdamW's numbers: Adam's, but for the weight decay.
struct AdamWOptions {
  double learning_rate = 1e-3;   ///< before the schedule's factor
  double beta1 = 0.9;            ///< how much of the mean gradient is kept at each step
  double beta2 = 0.999;          ///< how much of the mean square is kept
  double epsilon = 1e-8;         ///< added to the root of the mean square
  double weight_decay = 1e-2;    ///< shrinks each value by learning_rate * weight_decay of itself
  Schedule schedule = {};        ///< of factors of the learning rate, and with it of the decay
  Schedule beta1_schedule = {},  ///< of beta1, by the number of steps made; empty: the number above
      beta2_schedule = {};       ///< likewise of beta2
};

/// value -= learning_rate weight_decay value, then Adam's step without weight decay (Loshchilov and Hutter, 2019).
/// Throws Error for options out of range.
template <class S = float>
class AdamW : public Adam<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit AdamW(std::vector<Parameter<S>*> parameters, const AdamWOptions& options = {})
      : Adam<S>("adamw", std::move(parameters),
                {options.learning_rate, options.beta1, options.beta2, options.epsilon, options.weight_decay,
                 options.schedule, options.beta1_schedule, options.beta2_schedule},
                true) {}
};

RIVAL_INSTANTIATE_CLASS(Adam);
RIVAL_INSTANTIATE_CLASS(AdamW);

}  // namespace rival
