#pragma once
// How each kind of layer is said in ONNX's operators (opset 17), as it is in evaluation. All kinds are listed here.

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx_graph.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose2d.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/layer_norm.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/pack.hpp"
#include "rival/layers/pixel_norm.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/residual.hpp"
#include "rival/layers/self_attention.hpp"
#include "rival/layers/upsample.hpp"

namespace rival {

/// Adds what a layer does to the graph: of the place where its input is, gives that of its output.
using OnnxExporter = std::function<OnnxPlace(OnnxGraph&, const OnnxLayer&, const OnnxPlace&)>;

namespace internal {

OnnxPlace export_layers(OnnxGraph& graph, const std::vector<OnnxLayer>& layers, OnnxPlace x);

using Whole = std::int64_t;
using Wholes = std::vector<std::int64_t>;

inline Wholes onnx_size(const Size2& size) { return {size.h, size.w}; }
inline Wholes onnx_padding(const Size2& begin, const Size2& end) { return {begin.h, begin.w, end.h, end.w}; }

// ---- what several kinds share

/// The layer as it is for vectors and images, for samples of any other rank too: these are images of one column then.
inline OnnxExporter by_channels(OnnxExporter exporter) {
  return [exporter = std::move(exporter)](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) -> OnnxPlace {
    if (x.shape.rank() == 1 || x.shape.rank() == 3) return exporter(g, layer, x);
    OnnxLayer of_image = layer;
    of_image.in = {x.shape.size() / x.shape.back(), 1, x.shape.back()};
    of_image.out = of_image.in.with(2, layer.out.back());
    const OnnxPlace y = exporter(g, of_image, g.place(layer.name + ".in", x.name, of_image.in));
    return g.place(layer.name + ".out", g.elements(layer.name + ".out", y), layer.out);
  };
}

/// The layer for inputs whose features are counted as here.
inline OnnxExporter counted_as_here(OnnxExporter exporter) {
  return [exporter = std::move(exporter)](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
    return exporter(g, layer, g.plain(layer.name + ".in", x));
  };
}

inline OnnxPlace nothing(OnnxGraph&, const OnnxLayer&, const OnnxPlace& x) { return x; }

/// One operator on every element.
inline OnnxExporter elementwise(const std::string& op) {
  return [op](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) -> OnnxPlace {
    return {g.add(op, layer.name, {x.name}), x.shape, x.order};
  };
}

/// x * scale + shift, with numbers of the graph of each channel.
inline std::string scale_and_shift(OnnxGraph& g, const std::string& name, const std::string& x,
                                   const std::string& scale, const std::string& shift) {
  return g.add("Add", name, {g.add("Mul", name + ".scaled", {x, scale}), shift});
}

// ---- weights

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

// ---- normalisation

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

/// x with further channels behind its own, which are the same at all pixels: {N, C} or {N, C, 1, 1}.
inline OnnxPlace with_channels(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x, std::string channels,
                               Index count) {
  if (x.shape.rank() == 3)
    channels = g.add("Expand", layer.name + ".pixels",
                     {channels, g.constant(layer.name + ".size", Wholes{1, count, x.shape[0], x.shape[1]})});
  return {g.add("Concat", layer.name, {x.name, channels}, {{"axis", Whole{1}}}), layer.out};
}

/// With N samples in G groups, q = N / G and r = N % G, sample n is in group max(n / (q + 1), (n - r) / q): the first r
/// groups are larger by one. A matrix A {G, N} that is 1 where a sample is in a group, divided by the groups' sizes,
/// makes means over groups of a matrix of samples.
inline OnnxPlace minibatch_stddev(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<MinibatchStddevOptions>(layer.description);
  const std::string n = layer.name + ".";
  const std::string zero = g.scalar(n + "zero", 0), one = g.scalar(n + "one", 1), size = g.scalar(n + "group", o.group);
  const auto divide = [&](const std::string& name, const std::string& a, const std::string& b) {
    return g.add("Div", n + name, {a, b});
  };
  const std::string samples = g.add("Gather", n + "samples", {g.add("Shape", n + "shape", {x.name}), zero});
  const std::string groups = g.add("Max", n + "groups", {divide("whole_groups", samples, size), one});
  const std::string q = divide("size", samples, groups);
  const std::string r = g.add("Mod", n + "larger", {samples, groups});
  const std::string numbers = g.add("Range", n + "numbers", {zero, samples, one});
  const std::string group_of = g.add("Max", n + "group_of",
                                     {divide("in_larger", numbers, g.add("Add", n + "larger_size", {q, one})),
                                      divide("in_smaller", g.add("Sub", n + "behind", {numbers, r}), q)});
  const std::string belongs =
      g.add("OneHot", n + "belongs", {group_of, groups, g.constant(n + "values", {2}, std::vector<float>{0, 1})},
            {{"axis", Whole{0}}});
  const std::string sizes = g.add("ReduceSum", n + "sizes", {belongs, g.constant(n + "axes", Wholes{1})});
  const std::string mean_of = divide("mean_of", belongs, sizes);
  const std::string rows = g.reshape(n + "rows", x.name, {x.shape.size()});
  const std::string means = g.add("MatMul", n + "means", {mean_of, rows});
  const std::string apart = g.add("Sub", n + "apart", {rows, g.add("Gather", n + "mean", {means, group_of})});
  const std::string variance = g.add("MatMul", n + "variance", {mean_of, g.add("Mul", n + "squares", {apart, apart})});
  const std::string added =
      g.add("Add", n + "sum", {variance, g.constant(n + "epsilon", {}, {static_cast<float>(o.epsilon)})});
  const std::string deviation = g.add("ReduceMean", n + "deviation", {g.add("Sqrt", n + "deviations", {added})},
                                      {{"axes", Wholes{1}}, {"keepdims", Whole{1}}});
  std::string channel = g.add("Gather", n + "of_sample", {deviation, group_of});
  if (x.shape.rank() == 3) channel = g.reshape(n + "channel", channel, {1, 1, 1});
  return with_channels(g, layer, x, channel, 1);
}

// ---- shapes

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

/// The branches lie in memory one behind the other as they are in the graph's channels-first images.
inline OnnxPlace pack(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  g.change_batch();
  Wholes shape{-1, layer.out.back()};
  if (x.shape.rank() == 3) shape.insert(shape.end(), {x.shape[0], x.shape[1]});
  return {g.add("Reshape", layer.name, {x.name, g.constant(layer.name + ".shape", shape)}), layer.out};
}

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

// ---- labels

inline OnnxPlace embedding(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const auto o = read_options<EmbeddingOptions>(layer.description);
  const std::string& n = layer.name;
  const Index count = layer.out.back() - x.shape.back();
  if (!o.one_hot)
    return with_channels(
        g, layer, x,
        g.add("Gather", n + ".rows", {g.of_classes(n + ".weight", layer.tensor("weight"), x.shape), g.labels()}),
        count);
  std::string rows = g.add(
      "OneHot", n + ".rows",
      {g.labels(), g.scalar(n + ".classes", o.classes), g.constant(n + ".values", {2}, std::vector<float>{0, 1})});
  if (x.shape.rank() == 3) rows = g.reshape(n + ".pixel", rows, {count, 1, 1});
  return with_channels(g, layer, x, rows, count);
}

/// y = x[0] + x[1 + label]
inline OnnxPlace projection(OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
  const std::string n = layer.name + ".";
  const std::string column =
      g.add("Unsqueeze", n + "column",
            {g.add("Add", n + "number", {g.labels(), g.scalar(n + "one", 1)}), g.constant(n + "axes", Wholes{1})});
  const std::string of_class = g.add("GatherElements", n + "of_class", {x.name, column}, {{"axis", Whole{1}}});
  const std::string of_all =
      g.add("Gather", n + "of_all", {x.name, g.constant(n + "first", Wholes{0})}, {{"axis", Whole{1}}});
  return {g.add("Add", layer.name, {of_all, of_class}), layer.out};
}

// ---- pixels

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
      {"conv2d", convolution<Conv2dOptions>},
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
      {"group_norm", by_channels(counted_as_here(sample_norm<GroupNormOptions>))},
      {"instance_norm", by_channels(sample_norm<InstanceNormOptions>)},
      {"layer_norm", by_channels(sample_norm<LayerNormOptions>)},
      {"leaky_relu",
       [](auto& g, const auto& layer, const auto& x) -> OnnxPlace {
         const auto slope = static_cast<float>(read_options<LeakyReLUOptions>(layer.description).slope);
         return {g.add("LeakyRelu", layer.name, {x.name}, {{"alpha", slope}}), x.shape, x.order};
       }},
      {"max_pool2d", pool<MaxPoolOptions>},
      {"minibatch_stddev", by_channels(counted_as_here(minibatch_stddev))},
      {"pack", by_channels(counted_as_here(pack))},
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
      {"softplus", elementwise("Softplus")},
      {"sum_pool", sum_pool},
      {"tanh", elementwise("Tanh")},
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
    const bool weighted = kind == "dense" || kind == "conv2d" || kind == "conv_transpose2d";
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
