#pragma once
// Layers against the values of fixtures/conditional_values.txt: output, input gradient and the gradients of all
// parameters.

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/nn/layer.hpp"

namespace rival_test {

inline const Fixture& conditional_values() {
  static const Fixture fixture("conditional_values");
  return fixture;
}

inline std::vector<rival::Label> conditional_labels() {
  std::vector<rival::Label> labels;
  const auto values = conditional_values().tensor<double>("labels");
  for (Index i = 0; i < values.size(); ++i) labels.push_back(static_cast<rival::Label>(values[i]));
  return labels;
}

/// Tolerances as in pytorch_layers_test.cpp.
template <class S>
void check_values(rival::Layer<S>&& layer, const std::string& name, const std::vector<rival::Label>& labels = {}) {
  INFO(name);
  constexpr double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-10;
  const Fixture& values = conditional_values();
  layer.set_name(name);
  rival::State<S> state;
  layer.collect(state);
  for (auto* parameter : state.parameters) {
    const auto value = values.tensor<S>(parameter->name);
    INFO(parameter->name);
    REQUIRE(parameter->value.shape() == value.shape());
    parameter->value = value;
  }
  const auto x = values.tensor<S>(name + ".x"), dy = values.tensor<S>(name + ".dy");
  rival::Trace<S> trace;
  CHECK(difference(layer.forward(x, trace, {.labels = labels}), values.tensor<S>(name + ".y")) <= tolerance);
  Tensor<S> dx;
  layer.backward(trace, dy, &dx, {.parameters = true});
  CHECK(difference(dx, values.tensor<S>(name + ".dx")) <= tolerance);
  for (const auto* parameter : state.parameters) {
    const auto dot = parameter->name.rfind('.') + 1;
    const std::string gradient = parameter->name.substr(0, dot) + "d" + parameter->name.substr(dot);
    INFO(gradient);
    CHECK(difference(parameter->grad, values.tensor<S>(gradient)) <= tolerance);
  }
}

}  // namespace rival_test
