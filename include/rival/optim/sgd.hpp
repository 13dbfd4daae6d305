#pragma once
// Stochastic gradient descent with momentum.

#include <string>
#include <utility>
#include <vector>

#include "rival/optim/optimizer.hpp"

namespace rival {

/// Stochastic gradient descent's numbers.
struct SgdOptions {
  double learning_rate = 1e-2;  ///< before the schedule's factor
  double momentum = 0;          ///< how much of the last step is made again; 0: none
  bool nesterov = false;        ///< looks one momentum step ahead; needs momentum > 0
  double weight_decay = 0;      ///< adds weight_decay * value to the gradient
  Schedule schedule = {};       ///< of factors of the learning rate
};

/// g = dvalue + weight_decay value;  u = momentum u + g;  value -= learning_rate u
///
/// with Nesterov's momentum: value -= learning_rate (g + momentum u) (Sutskever, Martens, Dahl and Hinton, 2013).
/// Throws Error for options out of range.
template <class S = float>
class Sgd : public Optimizer<S> {
 public:
  /// Changes these parameters, which must outlive it.
  explicit Sgd(std::vector<Parameter<S>*> parameters, const SgdOptions& options = {})
      : Optimizer<S>("sgd", std::move(parameters), options.learning_rate, options.schedule,
                     options.momentum != 0 ? std::vector<std::string>{"velocity"} : std::vector<std::string>{}),
        momentum_(static_cast<S>(options.momentum)),
        weight_decay_(static_cast<S>(options.weight_decay)),
        nesterov_(options.nesterov) {
    this->check(options.momentum >= 0 && momentum_ < S(1), "0 <= momentum < 1", options.momentum);
    this->check(options.weight_decay >= 0, "a finite weight_decay >= 0", options.weight_decay);
    this->check(!options.nesterov || options.momentum > 0, "momentum > 0 with nesterov", options.momentum);
  }

 private:
  using Line = internal::Line<S>;

  void prepare(double learning_rate) override { rate_ = static_cast<S>(learning_rate); }

  void update(const internal::Run<S>& run) const override {
    if (momentum_ == S(0))
      internal::sweep<0>(run, [&](Line& value, Line& g) { value -= rate_ * (g + weight_decay_ * value); });
    else
      internal::sweep<1>(run, [&](Line& value, Line& g, Line& u) {
        g += weight_decay_ * value;
        u = momentum_ * u + g;
        if (nesterov_)
          value -= rate_ * (g + momentum_ * u);
        else
          value -= rate_ * u;
      });
  }

  S momentum_, weight_decay_;
  bool nesterov_;
  S rate_ = S(0);
};

RIVAL_INSTANTIATE_CLASS(Sgd);

}  // namespace rival
