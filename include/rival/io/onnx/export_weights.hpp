#pragma once
// Exporters of layers with weights, a batch norm behind them folded in.

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"

namespace rival::internal {

inline OnnxPlace dense(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const FeatureOrder order{x.order, layer.feature_order};
  std::vector<std::string> inputs{x.name,
                                  g.constant(layer.name + ".weight", layer.tensor("weight"), WeightAxes::dense, order)};
  if (layer.has("bias")) inputs.push_back(g.constant(layer.name + ".bias", layer.tensor("bias"), {}, order));
  return {g.add("Gemm", layer.name, std::move(inputs), {{"transB", Whole{1}}}), layer.out, layer.feature_order};
}

/// A convolution or a transposed one.
template <class Options>
OnnxPlace convolution(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  constexpr bool transposed = std::is_same_v<Options, ConvTranspose2dOptions>;
  const auto o = read_options<Options>(layer.description);
  std::map<std::string, OnnxAttribute, std::less<>> attributes{{"kernel_shape", onnx_size(o.kernel)},
                                                               {"strides", onnx_size(o.stride)},
                                                               {"pads", onnx_padding(o.padding, padding_end(o))}};
  if constexpr (transposed)
    attributes["output_padding"] = onnx_size(o.output_padding);
  else
    attributes["group"] = Whole{o.groups};
  std::vector<std::string> inputs{
      x.name, g.constant(layer.name + ".weight", layer.tensor("weight"),
                         transposed ? WeightAxes::transposed_convolution : WeightAxes::convolution)};
  if (layer.has("bias")) inputs.push_back(g.constant(layer.name + ".bias", layer.tensor("bias")));
  return {g.add(transposed ? "ConvTranspose" : "Conv", layer.name, std::move(inputs), std::move(attributes)),
          layer.out};
}

/// The same for signals, which are turned to N x channels x length for it and back.
template <class Options>
OnnxPlace signal_convolution(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  constexpr bool transposed = std::is_same_v<Options, ConvTranspose1dOptions>;
  const auto o = read_options<Options>(layer.description);
  const Index end = o.padding_end == as_padding.w ? o.padding : o.padding_end;
  std::map<std::string, OnnxAttribute, std::less<>> attributes{
      {"kernel_shape", Wholes{o.kernel}}, {"strides", Wholes{o.stride}}, {"pads", Wholes{o.padding, end}}};
  if constexpr (transposed)
    attributes["output_padding"] = Wholes{o.output_padding};
  else
    attributes["group"] = Whole{o.groups};
  std::vector<std::string> inputs{
      g.turned(layer.name + ".channels_first", x.name),
      g.constant(layer.name + ".weight", layer.tensor("weight"),
                 transposed ? WeightAxes::transposed_convolution : WeightAxes::convolution)};
  if (layer.has("bias")) inputs.push_back(g.constant(layer.name + ".bias", layer.tensor("bias")));
  const std::string y =
      g.add(transposed ? "ConvTranspose" : "Conv", layer.name, std::move(inputs), std::move(attributes));
  return {g.turned(layer.name + ".steps_first", y), layer.out};
}

/// y = basis * (x A), A's product being an image of one pixel.
inline OnnxPlace basis(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const Shape image = layer.out;
  const std::string weight =
      g.constant(layer.name + ".weight", layer.tensor("weight"), WeightAxes::dense, {x.order, {}});
  const std::string strength = g.add("Gemm", layer.name + ".strength", {x.name, weight}, {{"transB", Whole{1}}});
  Tensor<double> pixels = layer.tensor("basis");
  pixels.reshape({image.size()});
  const std::string learnt = g.constant(layer.name + ".basis", pixels, WeightAxes::plain, {{}, image});
  g.model().initialisers.back().shape = {image[2], image[0], image[1]};
  return {g.add("Mul", layer.name, {g.reshape(layer.name + ".strengths", strength, {image[2], 1, 1}), learnt}), image};
}

/// Evaluation's batch norm as y = x * scale + shift.
struct OnnxChannelMap {
  Tensor<double> scale, shift;
};
inline OnnxChannelMap evaluation_map(const OnnxLayer& norm) {
  const double epsilon = read_options<BatchNormOptions>(norm.description).epsilon;
  OnnxChannelMap map{norm.tensor("weight"), norm.tensor("bias")};
  map.scale.array() /= (norm.tensor("variance").array() + epsilon).sqrt();
  map.shift.array() -= norm.tensor("mean").array() * map.scale.array();
  return map;
}

/// A dense layer or convolution with the batch norm behind it: its weights times the scale, its bias as well plus the
/// shift.
inline OnnxLayer folded(OnnxLayer layer, const OnnxLayer& norm) {
  const OnnxChannelMap map = evaluation_map(norm);
  auto& weight = layer.tensors.at("weight");
  for (Index row = 0; row < weight.rows(); ++row) weight.matrix().row(row).array() *= map.scale.array().transpose();
  auto& bias = layer.tensors["bias"];
  if (bias.empty())
    bias = map.shift;
  else
    bias.array() = bias.array() * map.scale.array() + map.shift.array();
  return layer;
}

}  // namespace rival::internal
