#pragma once
// Normalisation in the graph.

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/import_samples.hpp"
#include "rival/io/onnx/shape_values.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/layers/batch_norm.hpp"
#include "rival/layers/conditional_batch_norm.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/instance_norm.hpp"
#include "rival/layers/pixel_norm.hpp"

namespace rival::internal {

inline constexpr Index most_features = 1 << 20;  // of a layer that has no weights in the file

inline OnnxStep read_batch_norm(OnnxQuery& q, const OnnxNode& node, int) {
  const Index count = q.weight(node, 1).shape.size();
  require(q.whole(node, "training_mode", 0) == 0, q.of(node), "expected evaluation, got training_mode");
  ReadLayer layer{
      describe("batch_norm", BatchNormOptions{.features = count, .epsilon = q.real(node, "epsilon", 1e-5f)})};
  const char* names[] = {"weight", "bias", "mean", "variance"};
  for (std::size_t i = 0; i < 4; ++i) layer.tensors[names[i]] = q.features(node, q.weight(node, i + 1), count);
  return {&node, q.input_of(node, 0),
          [layer = std::move(layer)](ReadStack& stack) mutable { append(stack, std::move(layer), true); }};
}

/// Of each channel, where no rows were made of groups in front of it.
inline OnnxStep read_instance_norm(OnnxQuery& q, const OnnxNode& node, int) {
  const Index count = q.weight(node, 1).shape.size();
  ReadLayer layer{
      describe("instance_norm",
               InstanceNormOptions{.features = count, .epsilon = q.real(node, "epsilon", 1e-5f), .affine = true})};
  layer.tensors["weight"] = q.features(node, q.weight(node, 1), count);
  layer.tensors["bias"] = q.features(node, q.weight(node, 2), count);
  return {&node, q.input_of(node, 0),
          [layer = std::move(layer)](ReadStack& stack) mutable { append(stack, std::move(layer)); }};
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
                    require(in.rank() == 1 || in.rank() == 3, "expected vectors or images, got ", in);
                    const std::vector<std::int64_t> made = target(q, *rows, in);
                    require(made.size() == 2 && made[0] == groups, "expected rows of ", groups, " groups");
                    require(target(q, *node, in) == graph_sample(in), "expected the sample's own shape again");
                    require(in.back() <= most_features, "expected at most ", most_features, " features, got ", in);
                    ReadLayer layer{describe("group_norm", GroupNormOptions{.groups = groups,
                                                                            .features = in.back(),
                                                                            .epsilon = q.real(*norm, "epsilon", 1e-5f),
                                                                            .affine = w != nullptr})};
                    if (w) layer.tensors["weight"] = q.features(last, *w, in.back());
                    if (b) layer.tensors["bias"] = q.features(last, *b, in.back());
                    append(stack, layer, groups == 1);
                  }};
}

/// x / sqrt(mean of x^2 + epsilon)
inline OnnxStep read_pixel_norm(OnnxQuery& q, const OnnxNode& node, int) {
  const OnnxNode* root = q.made_by(&node, 1, "Sqrt");
  const OnnxNode* sum = q.made_by(root, 0, "Add");
  const OnnxNode* mean = q.made_by(sum, 0, "ReduceMean");
  const OnnxNode* square = q.made_by(mean, 0, "Mul");
  const std::string& x = q.input_of(node, 0);
  if (!square || q.input_of(*square, 0) != x || q.input_of(*square, 1) != x || !(q.number(*sum, 1) > 0) ||
      axes(q, *mean) != Wholes{1} || q.whole(*mean, "keepdims", 1) != 1)
    q.refuse(node);
  const double epsilon = as_written(q.number(*sum, 1));
  return {&node, x, [epsilon](ReadStack& stack) {
            require(stack.shape.rank() == 1 || stack.shape.rank() == 3, "expected vectors or images, got ",
                    stack.shape);
            append(stack, {describe("pixel_norm", PixelNormOptions{.epsilon = epsilon})}, true);
          }};
}

/// x times a scale and plus a shift that the labels choose: a conditional batch norm whose statistics are in its
/// tables, its own being 0 and 1.
inline std::optional<OnnxStep> read_conditional_norm(OnnxQuery& q, const OnnxNode& node) {
  const OnnxNode *scaled = q.made_by(&node, 0, "Mul"), *shifts = q.made_by(&node, 1, "Gather");
  const OnnxTensor *scale = table_of(q, q.made_by(scaled, 1, "Gather")), *shift = table_of(q, shifts);
  if (!scale || !shift || scale->shape[0] != shift->shape[0] || scale->shape[1] != shift->shape[1]) return {};
  const ConditionalBatchNormOptions o{.features = scale->shape[1], .classes = scale->shape[0]};
  ReadLayer layer{describe("conditional_batch_norm", o)};
  layer.tensors = {{"weight", q.numbers(*scale)}, {"bias", q.numbers(*shift)}};
  for (double& v : layer.tensors["weight"]) v *= std::sqrt(1 + o.epsilon);
  layer.tensors["mean"].assign(static_cast<std::size_t>(o.features), 0);
  layer.tensors["variance"].assign(static_cast<std::size_t>(o.features), 1);
  return OnnxStep{&node, q.input_of(*scaled, 0), [layer](ReadStack& stack) { append(stack, layer); }};
}

}  // namespace rival::internal
