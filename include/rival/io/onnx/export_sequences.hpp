#pragma once
// Exporters of what goes through a sequence step by step.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/gru.hpp"

namespace rival::internal {

OnnxPlace export_layers(OnnxGraph& graph, const std::vector<OnnxLayer>& layers, OnnxPlace x);  // exporters.hpp

/// A tensor whose last axis are the gates r, z, n, as ONNX has it: an axis in front, z, r, n, each with its inputs.
inline void push_gates(const Tensor<double>& tensor, std::vector<float>& values) {
  const Index hidden = tensor.cols() / 3;
  for (const Index gate : {1, 0, 2})
    for (Index i = 0; i < hidden; ++i)
      for (Index row = 0; row < tensor.rows(); ++row)
        values.push_back(static_cast<float>(tensor[row * 3 * hidden + gate * hidden + i]));
}

/// ONNX's GRU takes steps x samples x features, and makes steps x 1 x samples x features of them.
inline OnnxPlace gru(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<GRUOptions>(layer.description);
  const std::string n = layer.name + ".";
  const Wholes swap{1, 0, 2};
  std::vector<float> w, r, b;
  push_gates(layer.tensor("weight_ih_l0"), w);
  push_gates(layer.tensor("weight_hh_l0"), r);
  push_gates(layer.tensor("bias_ih_l0"), b);
  push_gates(layer.tensor("bias_hh_l0"), b);
  const Index gates = 3 * o.hidden;
  const std::string states = g.add("GRU", layer.name,
                                   {g.add("Transpose", n + "steps_first", {x.name}, {{"perm", swap}}),
                                    g.constant(n + "weight_ih_l0", {1, gates, o.in}, std::move(w)),
                                    g.constant(n + "weight_hh_l0", {1, gates, o.hidden}, std::move(r)),
                                    g.constant(n + "bias", {1, 2 * gates}, std::move(b))},
                                   {{"hidden_size", Whole{o.hidden}}, {"linear_before_reset", Whole{1}}});
  if (o.last) {
    const std::string last =
        g.add("Gather", n + "last_step", {states, g.scalar(n + "last", layer.in[0] - 1)}, {{"axis", Whole{0}}});
    return {g.add("Squeeze", n + "last_state", {last, g.constant(n + "direction", Wholes{0})}), layer.out};
  }
  const std::string all = g.add("Squeeze", n + "states", {states, g.constant(n + "direction", Wholes{1})});
  return {g.add("Transpose", n + "samples_first", {all}, {{"perm", swap}}), layer.out};
}

/// All steps of all samples as one batch, and back.
inline OnnxPlace time_distributed(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  static const std::set<std::string, std::less<>> labelled{"embedding", "projection", "conditional_batch_norm"};
  for (const OnnxLayer& inner : layer.branches[0])
    require(!labelled.count(inner.description.kind), "ONNX export: layer \"", inner.name,
            "\": labels of steps cannot be said");
  const auto reshaped = [&](const std::string& name, const std::string& value, Shape sample, bool steps) {
    Wholes shape{-1};
    if (steps) shape.push_back(layer.in[0]);
    shape.insert(shape.end(), sample.begin(), sample.end());
    return g.add("Reshape", name, {value, g.constant(name + ".shape", std::move(shape))});
  };
  const std::string n = layer.name + ".";
  const Shape in = layer.in.sample(), out = layer.out.sample();
  const std::string steps = reshaped(n + "steps", g.elements(n + "in", x), in, false);
  const OnnxPlace y = export_layers(g, layer.branches[0], g.place(n + "step", steps, in));
  return g.place(layer.name, reshaped(n + "samples", g.elements(n + "out", y), out, true), layer.out);
}

}  // namespace rival::internal
