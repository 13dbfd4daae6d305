#pragma once
// The exporters of all kinds of layers (opset 17), as they are in evaluation.

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/export_norms.hpp"
#include "rival/io/onnx/export_pixels.hpp"
#include "rival/io/onnx/export_samples.hpp"
#include "rival/io/onnx/export_sequences.hpp"
#include "rival/io/onnx/export_weights.hpp"
#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/softmax.hpp"

namespace rival {

namespace internal {

// ---- branches

inline OnnxPlace residual(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  OnnxPlace main = export_layers(g, layer.branches[0], x), skip = export_layers(g, layer.branches[1], x);
  if (!(main.order == skip.order)) {
    main = g.plain(layer.name + ".main", main);
    skip = g.plain(layer.name + ".skip", skip);
  }
  const double scale = read_options<ResidualOptions>(layer.description).scale;
  if (scale == 1) return {g.add("Add", layer.name, {main.name, skip.name}), main.shape, main.order};
  const std::string sum = g.add("Add", layer.name + ".sum", {main.name, skip.name});
  const std::string factor = g.constant(layer.name + ".scale", {}, {static_cast<float>(scale)});
  return {g.add("Mul", layer.name, {sum, factor}), main.shape, main.order};
}

inline OnnxPlace concat_skip(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const OnnxPlace main = g.plain(layer.name + ".main", export_layers(g, layer.branches[0], x)),
                  skip = g.plain(layer.name + ".skip", export_layers(g, layer.branches[1], x));
  return {g.add("Concat", layer.name, {skip.name, main.name}, {{"axis", OnnxGraph::channel_axis(layer.out)}}),
          layer.out};
}

/// The exporters of all kinds by name: the library's, and those that a program has registered. Wrappers and nested
/// stacks are no layers of their own; see OnnxLayer.
inline std::map<std::string, OnnxExporter, std::less<>>& onnx_exporters() {
  static std::map<std::string, OnnxExporter, std::less<>> exporters{
      {"augment", nothing},
      {"avg_pool2d", pool<AvgPoolOptions>},
      {"basis", basis},
      {"batch_norm", by_channels(batch_norm)},
      {"blur_downsample", [](auto& g, const auto& layer, const auto& x) { return blur(g, layer, x, false); }},
      {"blur_upsample", [](auto& g, const auto& layer, const auto& x) { return blur(g, layer, x, true); }},
      {"concat_skip", concat_skip},
      {"conditional_batch_norm", by_channels(counted_as_here(conditional_batch_norm))},
      {"conv1d", signal_convolution<Conv1dOptions>},
      {"conv2d", convolution<Conv2dOptions>},
      {"conv_transpose1d", signal_convolution<ConvTranspose1dOptions>},
      {"conv_transpose2d", convolution<ConvTranspose2dOptions>},
      {"dense", dense},
      {"dropout", nothing},
      {"elu",
       [](auto& g, const auto& layer, const auto& x) -> OnnxPlace {
         const auto alpha = static_cast<float>(read_options<ELUOptions>(layer.description).alpha);
         return {g.add("Elu", layer.name, {x.name}, {{"alpha", alpha}}), x.shape, x.order};
       }},
      {"embedding", counted_as_here(embedding)},
      {"flatten", reshape},
      {"gaussian_noise", nothing},
      {"group_norm", by_channels(counted_as_here(sample_norm<GroupNormOptions>))},
      {"gru", gru},
      {"instance_norm", by_channels(sample_norm<InstanceNormOptions>)},
      {"layer_norm", by_channels(sample_norm<LayerNormOptions>)},
      {"leaky_relu",
       [](auto& g, const auto& layer, const auto& x) -> OnnxPlace {
         const auto slope = static_cast<float>(read_options<LeakyReLUOptions>(layer.description).slope);
         return {g.add("LeakyRelu", layer.name, {x.name}, {{"alpha", slope}}), x.shape, x.order};
       }},
      {"log_sum_exp", counted_as_here(log_sum_exp)},
      {"max_pool2d", pool<MaxPoolOptions>},
      {"minibatch_stddev", by_channels(counted_as_here(minibatch_stddev))},
      {"pack", by_channels(counted_as_here(pack))},
      {"permute", permute},
      {"phase_shuffle", nothing},
      {"pixel_norm", by_channels(pixel_norm)},
      {"projection", counted_as_here(projection)},
      {"relu", elementwise("Relu")},
      {"reshape", reshape},
      {"residual", residual},
      {"self_attention", self_attention},
      {"sigmoid", elementwise("Sigmoid")},
      {"silu",
       [](auto& g, const auto& layer, const auto& x) -> OnnxPlace {
         return {g.add("Mul", layer.name, {x.name, g.add("Sigmoid", layer.name + ".gate", {x.name})}), x.shape,
                 x.order};
       }},
      {"softmax",
       [](auto& g, const auto& layer, const auto& x) -> OnnxPlace {
         const auto inverse = static_cast<float>(1 / read_options<SoftmaxOptions>(layer.description).temperature);
         std::string z = x.name;
         if (inverse != 1)
           z = g.add("Mul", layer.name + ".scaled", {z, g.constant(layer.name + ".factor", {}, {inverse})});
         return {g.add("Softmax", layer.name, {z}, {{"axis", OnnxGraph::channel_axis(x.shape)}}), x.shape, x.order};
       }},
      {"softplus", elementwise("Softplus")},
      {"sum_pool", sum_pool},
      {"tanh", elementwise("Tanh")},
      {"time_distributed", time_distributed},
      {"translate", translate},
      {"upsample", upsample},
  };
  return exporters;
}

/// The layers one behind the other.
inline OnnxPlace export_layers(OnnxGraph& graph, const std::vector<OnnxLayer>& layers, OnnxPlace x) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const OnnxLayer& layer = layers[i];
    const std::string& kind = layer.description.kind;
    const auto found = onnx_exporters().find(kind);
    require(found != onnx_exporters().end(), "ONNX export: layer \"", layer.name, "\" is of kind \"", kind,
            "\", which has no exporter; that of a layer of your own is made known by register_onnx_exporter");
    const bool weighted = kind == "dense" || kind.starts_with("conv");
    const bool folds = graph.options().fold_batch_norm && weighted && i + 1 < layers.size() &&
                       layers[i + 1].description.kind == "batch_norm";
    x = found->second(graph, folds ? folded(layer, layers[i + 1]) : layer, x);
    require(x.shape == (folds ? layers[i + 1] : layer).out, "ONNX export: layer \"", layer.name,
            "\": its exporter made samples of ", x.shape, ", the layer makes ", layer.out);
    if (folds) ++i;
  }
  return x;
}

}  // namespace internal

/// Makes known how a layer of your own is said in ONNX, once at the start of a program:
///
///   rival::register_onnx_exporter("twice", [](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) -> OnnxPlace {
///     return {g.add("Add", layer.name, {x.name, x.name}), layer.out};
///   });
///
/// Throws Error for a kind that has an exporter.
inline void register_onnx_exporter(const std::string& kind, OnnxExporter exporter) {
  const bool added = internal::onnx_exporters().emplace(kind, internal::counted_as_here(std::move(exporter))).second;
  require(added, "register_onnx_exporter: the kind \"", kind, "\" has an exporter");
}

}  // namespace rival
