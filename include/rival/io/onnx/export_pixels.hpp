#pragma once
// Exporters of what joins or makes pixels: pools, enlargement, blur, attention; and of samples under another shape.

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/upsample.hpp"

namespace rival::internal {

/// Reshape and Flatten. Between vectors and images features come to be counted channel by channel, as long as those
/// who read them can follow.
inline OnnxPlace reshape(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const std::string& n = layer.name;
  const Shape& out = layer.out;
  if (out == x.shape) return x;
  if (out.rank() == 1 && OnnxGraph::order_matters(x.shape)) return {g.reshape(n, x.name, {out[0]}), out, x.shape};
  if (x.shape.rank() == 1 && OnnxGraph::order_matters(out) && x.order == out)
    return {g.reshape(n, x.name, {out[2], out[0], out[1]}), out};
  return g.place(n, g.elements(n, x), out);
}

template <class Options>
OnnxPlace pool(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<Options>(layer.description);
  std::map<std::string, OnnxAttribute, std::less<>> attributes{{"kernel_shape", onnx_size(o.kernel)},
                                                               {"strides", onnx_size(o.stride)},
                                                               {"pads", onnx_padding(o.padding, o.padding)}};
  constexpr bool average = std::is_same_v<Options, AvgPoolOptions>;
  if constexpr (average) attributes["count_include_pad"] = Whole{o.count_include_pad};
  return {g.add(average ? "AveragePool" : "MaxPool", layer.name, {x.name}, std::move(attributes)), layer.out};
}

inline OnnxPlace sum_pool(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  return {g.add("ReduceSum", layer.name, {x.name, g.constant(layer.name + ".axes", Wholes{2, 3})},
                {{"keepdims", Whole{0}}}),
          layer.out};
}

inline OnnxPlace upsample(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<UpsampleOptions>(layer.description);
  const bool nearest = o.mode == Interpolation::nearest;
  const std::string scales =
      g.constant(layer.name + ".scales", {4}, {1, 1, static_cast<float>(o.factor.h), static_cast<float>(o.factor.w)});
  return {g.add("Resize", layer.name, {x.name, "", scales},
                {{"mode", std::string(nearest ? "nearest" : "linear")},
                 {"coordinate_transformation_mode", std::string(nearest ? "asymmetric" : "half_pixel")},
                 {"nearest_mode", std::string("floor")}}),
          layer.out};
}

/// The filter (1, 2, 1) x (1, 2, 1) / 16 of every channel: a convolution of stride 2, or four times its transpose.
inline OnnxPlace blur(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x, bool transposed) {
  const Index channels = x.shape[2];
  std::vector<float> taps;
  for (Index c = 0; c < channels; ++c)
    for (const float tap : {1.f, 2.f, 1.f, 2.f, 4.f, 2.f, 1.f, 2.f, 1.f}) taps.push_back(tap / (transposed ? 4 : 16));
  const std::string filter = g.constant(layer.name + ".filter", {channels, 1, 3, 3}, std::move(taps));
  const Wholes pads = transposed ? Wholes{0, 0, 1, 1} : Wholes{1, 1, 1, 1};
  return {
      g.add(transposed ? "ConvTranspose" : "Conv", layer.name, {x.name, filter},
            {{"kernel_shape", Wholes{3, 3}}, {"strides", Wholes{2, 2}}, {"pads", pads}, {"group", Whole{channels}}}),
      layer.out};
}

/// Of an image x {C, P} as a matrix: y = x + gamma v^T (V B^T), V = h^T x, B^T = softmax over axis 1 of (f^T x)^T (g^T
/// x).
inline OnnxPlace self_attention(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const std::string& n = layer.name;
  const std::string pixels = g.reshape(n + ".pixels", x.name, {x.shape[2], x.shape[0] * x.shape[1]});
  const auto of_pixels = [&](const std::string& matrix) {
    const std::string weight = g.constant(n + "." + matrix, layer.tensor(matrix), WeightAxes::dense);
    return g.add("MatMul", n + "." + matrix + ".pixels", {weight, pixels});
  };
  const std::string keys = g.add("Transpose", n + ".keys", {of_pixels("f")}, {{"perm", Wholes{0, 2, 1}}});
  const std::string scores = g.add("MatMul", n + ".scores", {keys, of_pixels("g")});
  const std::string shares = g.add("Softmax", n + ".shares", {scores}, {{"axis", Whole{1}}});
  const std::string mixed = g.add("MatMul", n + ".mixed", {of_pixels("h"), shares});
  Tensor<double> v = layer.tensor("v");
  v.array() *= layer.tensor("gamma")[0];
  const std::string seen = g.add("MatMul", n + ".seen", {g.constant(n + ".v", v, WeightAxes::dense), mixed});
  const std::string image = g.reshape(n + ".image", seen, {x.shape[2], x.shape[0], x.shape[1]});
  return {g.add("Add", n, {x.name, image}), x.shape};
}

}  // namespace rival::internal
