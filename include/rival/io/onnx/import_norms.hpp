#pragma once
// Normalisation in the graph.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/import_channel_map.hpp"
#include "rival/io/onnx/import_samples.hpp"
#include "rival/io/onnx/shape_values.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/layer_norm.hpp"
#include "rival/layers/pixel_norm.hpp"

namespace rival::internal {

/// Rows of other samples are no channels: the graph's come first, here they are the last axis.
inline void require_channels(const Shape& sample) {
  require(sample.rank() == 1 || sample.rank() == 3, "expected vectors or images, got ", sample);
}

inline OnnxStep read_batch_norm(OnnxQuery& q, const OnnxNode& node, int) {
  const Index count = q.weight(node, 1).shape.size();
  const bool trains =
      std::any_of(node.outputs.begin() + 1, node.outputs.end(), [](const auto& o) { return !o.empty(); });
  require(q.whole(node, "training_mode", 0) == 0 && !trains, q.of(node), "expected evaluation, got training");
  ReadLayer layer{
      describe("batch_norm", BatchNormOptions{.features = count, .epsilon = q.real(node, "epsilon", 1e-5f)})};
  const char* names[] = {"weight", "bias", "mean", "variance"};
  for (std::size_t i = 0; i < 4; ++i) layer.tensors[names[i]] = q.features(node, q.weight(node, i + 1), count);
  return {&node, q.input_of(node, 0), [layer = std::move(layer)](ReadStack& stack) mutable {
            require_channels(stack.shape);
            append(stack, std::move(layer), true);
          }};
}

/// Of each channel, where no rows were made of groups in front of it.
inline OnnxStep read_instance_norm(OnnxQuery& q, const OnnxNode& node, int) {
  const Index count = q.weight(node, 1).shape.size();
  ReadLayer layer{
      describe("instance_norm",
               InstanceNormOptions{.features = count, .epsilon = q.real(node, "epsilon", 1e-5f), .affine = true})};
  layer.tensors["weight"] = q.features(node, q.weight(node, 1), count);
  layer.tensors["bias"] = q.features(node, q.weight(node, 2), count);
  return {&node, q.input_of(node, 0), [layer = std::move(layer)](ReadStack& stack) mutable {
            require(stack.shape.rank() == 3, "expected images, got ", stack.shape);
            append(stack, std::move(layer));
          }};
}

/// Reshape(InstanceNormalization(Reshape(x))), the second making rows of groups and the first the sample again; with
/// a weight and a bias of each channel behind it, where they are given. Null if `node` is not that Reshape.
inline std::optional<OnnxStep> read_group_norm(OnnxQuery& q, const OnnxNode& last, const OnnxNode* node,
                                               const OnnxTensor* w, const OnnxTensor* b) {
  if (!node || node->op != "Reshape") return {};
  const OnnxNode* norm = q.made_by(node, 0, "InstanceNormalization");
  const OnnxNode* rows = q.made_by(norm, 0, "Reshape");
  if (!rows) return {};
  for (const double v : q.numbers(q.weight(*norm, 1))) require(v == 1, q.of(*norm), "expected weights of 1 for groups");
  for (const double v : q.numbers(q.weight(*norm, 2))) require(v == 0, q.of(*norm), "expected biases of 0 for groups");
  const Index groups = q.weight(*norm, 1).shape.size();
  return OnnxStep{&last, q.input_of(*rows, 0), [=, &q](ReadStack& stack) {
                    const Shape in = stack.shape;
                    require_channels(in);
                    const std::vector<std::int64_t> made = target(q, *rows, in);
                    require(made.size() == 2 && made[0] == groups, "expected rows of ", groups, " groups");
                    require(target(q, *node, in) == graph_sample(in), "expected the sample's own shape again");
                    q.count_made(in.back());
                    ReadLayer layer{describe("group_norm", GroupNormOptions{.groups = groups,
                                                                            .features = in.back(),
                                                                            .epsilon = q.real(*norm, "epsilon", 1e-5f),
                                                                            .affine = w != nullptr})};
                    if (w) layer.tensors["weight"] = of_channels(q, last, *w, in);
                    if (b) layer.tensors["bias"] = of_channels(q, last, *b, in);
                    append(stack, layer, groups == 1);
                  }};
}

/// Of sqrt(mean of x^2 over some axes + epsilon), where `node` is its Sqrt.
struct RootMeanSquare {
  std::string x;
  Wholes axes;
  double epsilon;
};
inline std::optional<RootMeanSquare> read_root(OnnxQuery& q, const OnnxNode* root) {
  const OnnxNode* sum = q.made_by(root, 0, "Add");
  const OnnxNode* mean = q.made_by(sum, 0, "ReduceMean");
  if (!mean || q.whole(*mean, "keepdims", 1) != 1 || !(q.number(*sum, 1) > 0)) return {};
  const OnnxNode *product = q.made_by(mean, 0, "Mul"), *power = q.made_by(mean, 0, "Pow");
  if (!power && !(product && q.input_of(*product, 0) == q.input_of(*product, 1))) return {};
  if (power && q.number(*power, 1) != 2) return {};
  return RootMeanSquare{q.input_of(power ? *power : *product, 0), axes(q, *mean), as_written(q.number(*sum, 1))};
}

inline OnnxStep pixel_norm_step(const OnnxNode& node, const RootMeanSquare& root) {
  return {&node, root.x, [epsilon = root.epsilon](ReadStack& stack) {
            require_channels(stack.shape);
            append(stack, {describe("pixel_norm", PixelNormOptions{.epsilon = epsilon})}, true);
          }};
}
/// x / sqrt(mean of x^2 over channels + epsilon), also as x * (1 / sqrt(...)) in a Mul. Null for what is none.
inline std::optional<OnnxStep> read_pixel_norm(OnnxQuery& q, const OnnxNode& node) {
  for (std::size_t i = 0; i < 2; ++i) {
    const OnnxNode *over = q.made_by(&node, i, "Div"), *inverse = q.made_by(&node, i, "Reciprocal");
    const OnnxNode* root = node.op == "Div"                  ? i == 1 ? q.made_by(&node, 1, "Sqrt") : nullptr
                           : inverse                         ? q.made_by(inverse, 0, "Sqrt")
                           : over && q.number(*over, 0) == 1 ? q.made_by(over, 1, "Sqrt")
                                                             : nullptr;
    const auto of = read_root(q, root);
    if (of && of->x == q.input_of(node, 1 - i) && of->axes == Wholes{1}) return pixel_norm_step(node, *of);
  }
  return {};
}

/// (x - mean) / sqrt(mean of (x - mean)^2 + epsilon), the means being over all of a sample.
inline std::optional<OnnxStep> read_layer_norm(OnnxQuery& q, const OnnxNode& node) {
  const auto root = read_root(q, q.made_by(&node, 1, "Sqrt"));
  const OnnxNode* apart = q.made_by(&node, 0, "Sub");
  const OnnxNode* mean = q.made_by(apart, 1, "ReduceMean");
  if (!root || !mean || root->x != q.input_of(node, 0) || q.input_of(*mean, 0) != q.input_of(*apart, 0) ||
      axes(q, *mean) != root->axes || q.whole(*mean, "keepdims", 1) != 1)
    return {};
  return OnnxStep{&node, q.input_of(*apart, 0), [root](ReadStack& stack) {
                    const Shape in = stack.shape;
                    require_channels(in);
                    const bool all = in.rank() == 1 ? root->axes == Wholes{-1} || root->axes == Wholes{1}
                                                    : root->axes == Wholes{-3, -2, -1} || root->axes == Wholes{1, 2, 3};
                    require(all, "expected all features of a sample to be normalised together");
                    const LayerNormOptions o{.features = in.back(), .epsilon = root->epsilon, .affine = false};
                    append(stack, {describe("layer_norm", o)}, true);
                  }};
}
inline OnnxStep read_layer_normalization(OnnxQuery& q, const OnnxNode& node, int) {
  const OnnxTensor &w = q.weight(node, 1), *b = q.has_input(node, 2) ? &q.weight(node, 2) : nullptr;
  const std::int64_t axis = q.whole(node, "axis", -1);
  return {&node, q.input_of(node, 0), [=, &q, &node, &w](ReadStack& stack) {
            require(stack.shape.rank() == 1 && (axis == 1 || axis == -1),
                    "expected all features of a vector to be normalised together, got ", stack.shape, " from axis ",
                    axis);
            const LayerNormOptions o{.features = stack.shape[0], .epsilon = q.real(node, "epsilon", 1e-5f)};
            ReadLayer layer{describe("layer_norm", o)};
            layer.tensors["weight"] = of_channels(q, node, w, stack.shape);
            layer.tensors["bias"].assign(layer.tensors["weight"].size(), 0);
            if (b) layer.tensors["bias"] = of_channels(q, node, *b, stack.shape);
            append(stack, std::move(layer), true);
          }};
}

inline OnnxStep read_div(OnnxQuery& q, const OnnxNode& node, int) {
  if (auto norm = read_pixel_norm(q, node)) return *norm;
  if (auto norm = read_layer_norm(q, node)) return *norm;
  return read_map(q, node, 0);
}

/// x times a scale and plus a shift, one of both or both, that the labels choose: a conditional batch norm whose
/// statistics are in its tables, its own doing nothing.
inline std::optional<OnnxStep> read_conditional_norm(OnnxQuery& q, const OnnxNode& node) {
  const std::size_t at = node.op == "Add" || table_of(q, q.made_by(&node, 1, "Gather")) ? 1 : 0;
  const OnnxTensor* last = table_of(q, q.made_by(&node, at, "Gather"));
  if (!last) return {};
  const OnnxNode* scaled = node.op == "Add" ? q.made_by(&node, 0, "Mul") : &node;
  const OnnxTensor *shift = node.op == "Add" ? last : nullptr,
                   *scale = shift ? table_of(q, q.made_by(scaled, 1, "Gather")) : last;
  if (scale && shift && !(scale->shape == shift->shape)) return {};
  const Shape table = last->shape;
  const ConditionalBatchNormOptions o{.features = table[1], .classes = table[0], .epsilon = 1};
  ReadLayer layer{describe("conditional_batch_norm", o)};
  const auto size = static_cast<std::size_t>(table.size()), features = static_cast<std::size_t>(o.features);
  layer.tensors = {{"weight", scale ? q.numbers(*scale) : std::vector<double>(size, 1.0)},
                   {"bias", shift ? q.numbers(*shift) : std::vector<double>(size, 0.0)},
                   {"mean", std::vector<double>(features, 0.0)},
                   {"variance", std::vector<double>(features, 0.0)}};
  const std::string& x = shift ? scale ? q.input_of(*scaled, 0) : q.input_of(node, 0) : q.input_of(node, 1 - at);
  return OnnxStep{&node, x, [layer, table](ReadStack& stack) {
                    require_channels(stack.shape);
                    require(table.rank() == stack.shape.rank() + 1, "expected a table whose rows go with samples of ",
                            stack.shape, ", got ", table);
                    append(stack, layer);
                  }};
}

}  // namespace rival::internal
