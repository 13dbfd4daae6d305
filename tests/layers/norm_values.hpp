// Holds normalisation layers against fixtures/norm_values.txt, element by element, and one number of threads against
// another.
//
// Tolerances as in pytorch_layers_test.cpp, relative to the largest element; a penalty's gradients go through two more
// passes and cubes of 1 / deviation, for which float gets a digit more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "fixture.hpp"
#include "rival/nn/layer.hpp"

namespace rival_test {

inline const Fixture& norm_values() {
  static const Fixture fixture("norm_values");
  return fixture;
}

template <class S>
constexpr double norm_tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-10;
template <class S>
constexpr double penalty_tolerance = std::is_same_v<S, float> ? 1e-4 : 1e-10;

/// None where the fixture has none.
inline std::vector<rival::Label> norm_labels(const std::string& name) {
  std::vector<rival::Label> labels;
  if (!norm_values().has(name + ".labels")) return labels;
  const auto values = norm_values().tensor<double>(name + ".labels");
  for (Index n = 0; n < values.size(); ++n) labels.push_back(static_cast<rival::Label>(values[n]));
  return labels;
}

/// Sets the layer's weight and bias from the fixture.
template <class S>
rival::State<S> load(rival::Layer<S>& layer, const std::string& name) {
  layer.set_name(name);
  rival::State<S> state;
  layer.collect(state);
  for (auto* parameter : state.parameters) {
    parameter->value = norm_values().tensor<S>(parameter->name);
    parameter->grad.fill(S(0));
  }
  return state;
}

/// The layer's output and gradients are `name`'s, and its running statistics after the pass.
template <class S>
void check_values(rival::Layer<S>&& layer, const std::string& name) {
  INFO(name);
  const auto state = load(layer, name);
  const auto expect = [&](const Tensor<S>& got, const std::string& of, double tolerance = norm_tolerance<S>) {
    INFO(of);
    CHECK(difference(got, norm_values().tensor<S>(of)) <= tolerance);
  };
  const auto labels = norm_labels(name);
  const auto x = norm_values().tensor<S>(name + ".x"), dy = norm_values().tensor<S>(name + ".dy");
  rival::Trace<S> trace;
  Tensor<S> dx;
  expect(layer.forward(x, trace, {.labels = labels}), name + ".y");
  layer.backward(trace, dy, &dx, {.parameters = true, .keep = true});
  expect(dx, name + ".dx");
  for (const auto* parameter : state.parameters)
    expect(parameter->grad, name + ".d" + parameter->name.substr(name.size() + 1));
  layer.commit(trace);
  for (const auto* buffer : state.buffers) expect(buffer->value, buffer->name);

  if (!norm_values().has(name + ".penalty_dx")) return;
  // The penalty's gradient is the tangent of the layer's own gradients along dx, whatever stays.
  for (auto* parameter : state.parameters) parameter->grad.fill(S(0));
  expect(layer.forward_tangent(dx, trace, {}), name + ".penalty_ddy", penalty_tolerance<S>);
  Tensor<S> dx_tangent;
  layer.backward_tangent(trace, dy, nullptr, &dx_tangent, {});
  expect(dx_tangent, name + ".penalty_dx", penalty_tolerance<S>);
  if (state.parameters.empty()) return;
  expect(state.parameters[0]->grad, name + ".penalty_dweight", penalty_tolerance<S>);
  CHECK((state.parameters[1]->grad.array() == 0).all());
}

/// Every pass of the layer gives the same bits on one thread and on three.
inline void check_threads(rival::Layer<float>&& layer, const Shape& batch, rival::Labels labels = {},
                          bool tangents = true) {
  const int before = rival::threads();
  layer.set_name("layer");
  rival::State<float> state;
  layer.collect(state);
  for (auto* parameter : state.parameters) rival::Random(3).fill_normal(parameter->value);
  Tensor<float> x(batch), dy(layer.output_shape(batch.sample()).batch(batch[0])), v(batch), w(dy.shape());
  rival::Random(1).fill_normal(x, 1.0f, 2.0f);
  rival::Random(2).fill_normal(dy);
  rival::Random(4).fill_normal(v);
  rival::Random(5).fill_normal(w);
  std::vector<std::vector<Tensor<float>>> results;
  for (const int count : {1, 3}) {
    rival::set_threads(count);
    rival::Trace<float> trace;
    Tensor<float> dx, dx_tangent;
    for (auto* parameter : state.parameters) parameter->grad.fill(0);
    layer.forward(x, trace, {.labels = labels});
    layer.backward(trace, dy, &dx, {.parameters = true, .keep = true});
    if (tangents) {
      layer.forward_tangent(v, trace, {});
      layer.backward_tangent(trace, dy, &w, &dx_tangent, {});
    }
    results.push_back({trace.output, dx, trace.output_tangent, dx_tangent});
    for (auto* parameter : state.parameters) results.back().push_back(parameter->grad);
  }
  rival::set_threads(before);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    CHECK(std::equal(results[0][i].data(), results[0][i].data() + results[0][i].size(), results[1][i].data()));
}

}  // namespace rival_test
