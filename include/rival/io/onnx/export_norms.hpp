#pragma once
// Exporters of normalisation.

#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "rival/io/onnx/exporter.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/layer_norm.hpp"
#include "rival/layers/pixel_norm.hpp"

namespace rival::internal {

inline OnnxPlace batch_norm(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto numbers = [&](const std::string& there, const std::string& here) {
    return g.constant(layer.name + "." + there, layer.tensor(here), WeightAxes::plain, {{}, x.order});
  };
  const double epsilon = read_options<BatchNormOptions>(layer.description).epsilon;
  return {g.add("BatchNormalization", layer.name,
                {x.name, numbers("weight", "weight"), numbers("bias", "bias"), numbers("running_mean", "mean"),
                 numbers("running_var", "variance")},
                {{"epsilon", static_cast<float>(epsilon)}}),
          x.shape, x.order};
}

/// Scales and shifts are rows of two tables that the labels choose from.
inline OnnxPlace conditional_batch_norm(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const double epsilon = read_options<ConditionalBatchNormOptions>(layer.description).epsilon;
  Tensor<double> scale = layer.tensor("weight"), shift = layer.tensor("bias");
  for (Index k = 0; k < scale.dim(0); ++k) {
    auto row = scale.matrix().row(k).array();
    row /= (layer.tensor("variance").array() + epsilon).sqrt().transpose();
    shift.matrix().row(k).array() -= row * layer.tensor("mean").array().transpose();
  }
  const auto chosen = [&](const std::string& name, const Tensor<double>& table) {
    return g.add("Gather", layer.name + "." + name,
                 {g.of_classes(layer.name + "." + name + "s", table, x.shape), g.labels()});
  };
  const std::string scales = chosen("scale", scale), shifts = chosen("shift", shift);
  return {scale_and_shift(g, layer.name, x.name, scales, shifts), x.shape};
}

/// Group norm and its kin: what is normalised together is a row.
template <class Options>
OnnxPlace sample_norm(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<Options>(layer.description);
  Index groups = 1;
  if constexpr (std::is_same_v<Options, GroupNormOptions>) groups = o.groups;
  if constexpr (std::is_same_v<Options, InstanceNormOptions>) groups = o.features;
  const std::string& n = layer.name;
  const auto count = static_cast<std::size_t>(groups);
  const std::string rows = g.reshape(n + ".groups", x.name, {groups, x.shape.size() / groups});
  const std::string ones = g.constant(n + ".ones", {groups}, std::vector<float>(count, 1));
  const std::string zeros = g.constant(n + ".zeros", {groups}, std::vector<float>(count, 0));
  const std::string normal = g.add("InstanceNormalization", n + ".normalised", {rows, ones, zeros},
                                   {{"epsilon", static_cast<float>(o.epsilon)}});
  Wholes sample{x.shape.back()};
  if (x.shape.rank() == 3) sample = {x.shape[2], x.shape[0], x.shape[1]};
  if (!o.affine) return {g.reshape(n, normal, sample), x.shape, x.order};
  const std::string weight = g.of_channels(n + ".weight", layer.tensor("weight"), x),
                    bias = g.of_channels(n + ".bias", layer.tensor("bias"), x);
  return {scale_and_shift(g, n, g.reshape(n + ".sample", normal, sample), weight, bias), x.shape, x.order};
}

inline OnnxPlace pixel_norm(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const std::string& n = layer.name;
  const double epsilon = read_options<PixelNormOptions>(layer.description).epsilon;
  const std::string squares = g.add("Mul", n + ".squares", {x.name, x.name});
  const std::string mean = g.add("ReduceMean", n + ".mean", {squares}, {{"axes", Wholes{1}}, {"keepdims", Whole{1}}});
  const std::string sum =
      g.add("Add", n + ".sum", {mean, g.constant(n + ".epsilon", {}, {static_cast<float>(epsilon)})});
  return {g.add("Div", n, {x.name, g.add("Sqrt", n + ".size", {sum})}), x.shape, x.order};
}

}  // namespace rival::internal
