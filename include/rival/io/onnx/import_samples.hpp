#pragma once
// What joins a sample with its label, or with the other samples of its batch, in the graph.

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "rival/io/onnx/shape_values.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/layers/embedding.hpp"
#include "rival/layers/minibatch_stddev.hpp"
#include "rival/layers/projection.hpp"

namespace rival::internal {

/// The table whose rows labels choose in "Gather", or null.
inline const OnnxTensor* table_of(OnnxQuery& q, const OnnxNode* gather) {
  if (!gather || !q.has_input(*gather, 1) || !q.is_labels(gather->inputs[1]) || q.whole(*gather, "axis", 0) != 0)
    return nullptr;
  const OnnxTensor* table = q.constant(*gather, 0);
  const bool rows = table && !table->whole_numbers() && table->shape.rank() >= 2 &&
                    table->shape.size() == table->shape[0] * table->shape[1];
  return rows ? table : nullptr;
}

inline std::optional<OnnxStep> read_embedding(OnnxQuery& q, const OnnxNode& node) {
  const OnnxNode* rows = q.producer(q.input_of(node, 1));
  if (rows && rows->op == "Expand") rows = q.has_input(*rows, 0) ? q.producer(rows->inputs[0]) : nullptr;
  const OnnxNode* pixel = rows && rows->op == "Reshape" ? rows : nullptr;
  if (pixel) rows = q.has_input(*pixel, 0) ? q.producer(pixel->inputs[0]) : nullptr;
  if (rows && rows->op == "Cast") rows = q.has_input(*rows, 0) ? q.producer(rows->inputs[0]) : nullptr;
  if (!rows) return {};
  EmbeddingOptions o;
  std::vector<double> table;
  if (const OnnxTensor* held = rows->op == "Gather" ? table_of(q, rows) : nullptr) {
    o = {.classes = held->shape[0], .features = held->shape[1]};
    table = q.numbers(*held);
  } else if (rows->op == "OneHot" && q.is_labels(q.input_of(*rows, 0)) && q.whole(*rows, "axis", -1) == -1 &&
             q.constant(*rows, 2) && q.numbers(*q.constant(*rows, 2)) == std::vector<double>{0, 1}) {
    const double classes = q.number(*rows, 1);
    require(classes >= 1 && classes <= static_cast<double>(most_classes), q.of(*rows), "expected 1 to ", most_classes,
            " classes, got ", classes);
    o = {.classes = static_cast<Index>(classes), .one_hot = true};
  } else {
    return {};
  }
  require(q.whole(node, "axis", 0) == 1, q.of(node), "expected channels (axis 1) to be joined");
  ReadLayer layer{describe("embedding", o)};
  if (!o.one_hot) layer.tensors["weight"] = table;
  return OnnxStep{&node, q.input_of(node, 0), [=, &q](ReadStack& stack) {
                    require(stack.shape.rank() == 1 || stack.shape.rank() == 3, "expected vectors or images, got ",
                            stack.shape);
                    const Index count = o.one_hot ? o.classes : o.features;
                    require(!pixel || (stack.shape.rank() == 3 && target(q, *pixel, {count}) == Wholes{count, 1, 1}),
                            "expected one number a channel of what labels choose");
                    append(stack, layer);
                  }};
}

/// x[0] + x[1 + label]
inline std::optional<OnnxStep> read_projection(OnnxQuery& q, const OnnxNode& node) {
  const OnnxNode *first = q.made_by(&node, 0, "Gather"), *chosen = q.made_by(&node, 1, "GatherElements");
  const OnnxNode* column = q.made_by(chosen, 1, "Unsqueeze");
  const OnnxNode* next = q.made_by(column, 0, "Add");
  if (!first || !next || !q.is_labels(q.input_of(*next, 0)) || q.number(*next, 1) != 1 || q.number(*first, 1) != 0 ||
      q.whole(*first, "axis", 0) != 1 || q.whole(*chosen, "axis", 0) != 1 ||
      q.input_of(*first, 0) != q.input_of(*chosen, 0))
    return {};
  return OnnxStep{&node, q.input_of(*first, 0), [](ReadStack& stack) {
                    require(stack.shape.rank() == 1, "expected vectors, got ", stack.shape);
                    append(stack, {describe("projection", ProjectionOptions{.classes = stack.shape.back() - 1})});
                  }};
}

/// (log of the sum of e^x, x)
inline std::optional<OnnxStep> read_log_sum_exp(OnnxQuery& q, const OnnxNode& node) {
  const OnnxNode* sum = q.made_by(&node, 0, "ReduceLogSumExp");
  if (!sum || q.input_of(*sum, 0) != q.input_of(node, 1) || q.whole(*sum, "keepdims", 1) == 0) return {};
  const Wholes over = axes(q, *sum);
  if (over != Wholes{1} && over != Wholes{-1}) return {};
  return OnnxStep{&node, q.input_of(node, 1), [](ReadStack& stack) { append(stack, {{"log_sum_exp"}}); }};
}

/// As the exporter writes it; see minibatch_stddev in export_samples.hpp.
inline std::optional<OnnxStep> read_stddev(OnnxQuery& q, const OnnxNode& node) {
  const std::string& x = q.input_of(node, 0);
  const OnnxNode* channel = q.producer(q.input_of(node, 1));
  if (channel && channel->op == "Expand") channel = q.has_input(*channel, 0) ? q.producer(channel->inputs[0]) : nullptr;
  if (channel && channel->op == "Reshape")
    channel = q.has_input(*channel, 0) ? q.producer(channel->inputs[0]) : nullptr;
  if (!channel || channel->op != "Gather") return {};
  const OnnxNode* mean = q.made_by(channel, 0, "ReduceMean");
  const OnnxNode* root = q.made_by(mean, 0, "Sqrt");
  const OnnxNode* sum = q.made_by(root, 0, "Add");
  const OnnxNode* variance = q.made_by(sum, 0, "MatMul");
  const OnnxNode* square = q.made_by(variance, 1, "Mul");
  const OnnxNode* apart = q.made_by(square, 0, "Sub");
  const OnnxNode* rows = q.made_by(apart, 0, "Reshape");
  const OnnxNode* group_of = q.made_by(channel, 1, "Max");
  const OnnxNode* in_larger = q.made_by(group_of, 0, "Div");
  const OnnxNode* larger = q.made_by(in_larger, 1, "Add");
  const OnnxNode* size = q.made_by(larger, 0, "Div");
  const OnnxNode* groups = q.made_by(size, 1, "Max");
  const OnnxNode* whole_groups = q.made_by(groups, 0, "Div");
  if (!rows || q.input_of(*rows, 0) != x || !whole_groups || !(q.number(*whole_groups, 1) >= 1) ||
      !(q.number(*whole_groups, 1) <= 1e9) || !(q.number(*sum, 1) > 0) || q.number(*groups, 1) != 1)
    return {};
  const MinibatchStddevOptions o{.group = static_cast<Index>(q.number(*whole_groups, 1)),
                                 .epsilon = as_written(q.number(*sum, 1))};
  return OnnxStep{&node, x, [o](ReadStack& stack) { append(stack, {describe("minibatch_stddev", o)}); }};
}

}  // namespace rival::internal
