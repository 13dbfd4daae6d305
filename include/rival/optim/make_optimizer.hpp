#pragma once
// Any optimiser, chosen by its options.

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rival/optim/adam.hpp"
#include "rival/optim/rmsprop.hpp"
#include "rival/optim/sgd.hpp"

namespace rival {

/// The options of any optimiser, for whoever builds it later: `OptimizerOptions chosen = AdamOptions{.beta1 = 0.5};`
using OptimizerOptions = std::variant<AdamOptions, AdamWOptions, SgdOptions, RmsPropOptions>;

/// The optimiser that these options belong to.
template <class S>
std::unique_ptr<Optimizer<S>> make_optimizer(std::vector<Parameter<S>*> parameters, const OptimizerOptions& options) {
  return std::visit(
      [&](const auto& chosen) -> std::unique_ptr<Optimizer<S>> {
        using Chosen = std::remove_cvref_t<decltype(chosen)>;
        if constexpr (std::is_same_v<Chosen, AdamOptions>)
          return std::make_unique<Adam<S>>(std::move(parameters), chosen);
        else if constexpr (std::is_same_v<Chosen, AdamWOptions>)
          return std::make_unique<AdamW<S>>(std::move(parameters), chosen);
        else if constexpr (std::is_same_v<Chosen, SgdOptions>)
          return std::make_unique<Sgd<S>>(std::move(parameters), chosen);
        else
          return std::make_unique<RmsProp<S>>(std::move(parameters), chosen);
      },
      options);
}

RIVAL_INSTANTIATE_FUNCTION(make_optimizer);

}  // namespace rival
