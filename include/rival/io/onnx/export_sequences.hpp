#pragma once
// Exporters of what goes through a sequence step by step, or puts its axes in another order.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/gru.hpp"
#include "rival/layers/permute.hpp"
#include "rival/layers/translate.hpp"

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

inline OnnxPlace permute(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<PermuteOptions>(layer.description);
  const std::string n = layer.name + ".";
  Wholes order{0};
  for (const Index axis : o.order) order.push_back(axis + 1);
  const std::string in = g.reshape(n + "axes", g.elements(n + "in", x), {layer.in.begin(), layer.in.end()});
  return g.place(layer.name, g.add("Transpose", n + "permuted", {in}, {{"perm", order}}), layer.out);
}

/// GridSample looks up a picture for each frame, at points (x, y) in which its edges lie at -1 and 1, and 0 beyond
/// them.
inline OnnxPlace translate(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<TranslateOptions>(layer.description);
  const std::string n = layer.name + ".";
  const Index frames = o.clip[0], h = o.clip[1], w = o.clip[2], channels = o.clip[3];
  const std::string numbers = g.elements(n + "in", x);
  const auto part = [&](const std::string& name, Index begin, Index end) {
    return g.add("Slice", n + name,
                 {numbers, g.constant(n + name + ".begin", Wholes{begin}), g.constant(n + name + ".end", Wholes{end}),
                  g.constant(n + name + ".axis", Wholes{1})});
  };
  const auto shaped = [&](const std::string& name, const std::string& value, Wholes shape) {
    return g.add("Reshape", n + name, {value, g.constant(n + name + ".shape", std::move(shape))});
  };

  std::vector<float> points;
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j)
      for (const auto& [at, extent] : {std::pair{j, w}, std::pair{i, h}})
        points.push_back(static_cast<float>(2 * at + 1) / static_cast<float>(extent) - 1);
  const auto back = [&](Index extent) { return static_cast<float>(-2 * o.reach / static_cast<double>(extent)); };
  const std::string moves =
      g.add("MatMul", n + "moves",
            {shaped("places", part("places_in", 0, 2 * frames), {-1, 1, 1, 2}),
             g.constant(n + "reach", {2, 2}, {0, back(h), back(w), 0})});  // (row, column) to (x, y)
  const std::string grid = g.add("Add", n + "grid", {g.constant(n + "points", {1, h, w, 2}, std::move(points)), moves});

  const std::string outside = g.constant(n + "outside", {}, {static_cast<float>(o.outside)});
  const std::string picture =
      shaped("picture", part("picture_in", 2 * frames, 2 * frames + h * w * channels), {-1, 1, h, w, channels});
  const std::string once =
      g.add("Transpose", n + "channels_first", {g.add("Sub", n + "above_outside", {picture, outside})},
            {{"perm", Wholes{0, 1, 4, 2, 3}}});
  const std::string pictures =
      shaped("pictures", g.add("Tile", n + "frames", {once, g.constant(n + "times", Wholes{1, frames, 1, 1, 1})}),
             {-1, channels, h, w});
  const std::string seen =
      g.add("GridSample", n + "seen", {pictures, grid},
            {{"mode", std::string("bilinear")}, {"padding_mode", std::string("zeros")}, {"align_corners", Whole{0}}});
  const std::string clip = shaped("clip", g.add("Add", n + "values", {seen, outside}), {-1, frames, channels, h, w});
  return g.place(layer.name, g.add("Transpose", n + "channels_last", {clip}, {{"perm", Wholes{0, 1, 3, 4, 2}}}),
                 layer.out);
}

}  // namespace rival::internal
