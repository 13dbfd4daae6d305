#pragma once
// Whole numbers of the graph: axes, and the extents that a Reshape and its kin ask for.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "rival/core/shape.hpp"
#include "rival/io/onnx/query.hpp"

namespace rival::internal {

/// The axes that an operator reduces or changes: an input, or in older files an attribute.
inline Wholes axes(const OnnxQuery& q, const OnnxNode& node) {
  if (const OnnxTensor* given = q.constant(node, 1))
    if (const auto* values = std::get_if<Wholes>(&given->values)) return *values;
  return q.wholes(node, "axes", {});
}

/// The extents of a sample in the graph: C, H, W of an image.
inline Wholes graph_sample(const Shape& sample) {
  if (sample.rank() == 3) return {sample[2], sample[0], sample[1]};
  return {sample.begin(), sample.end()};
}

inline constexpr std::int64_t any_batch = -2;  // stands for the number of samples among whole numbers

/// Whole numbers of a constant, or of what PyTorch computes of shapes. `looks` counts down the values looked at.
inline Wholes whole_values(const OnnxQuery& q, const std::string& name, int& looks) {
  require(looks-- > 0, q.what(), ": \"", name, "\": expected whole numbers that are simply made");
  if (const OnnxTensor* tensor = q.constant(name)) {
    const auto* values = std::get_if<Wholes>(&tensor->values);
    require(values != nullptr, q.what(), ": \"", name, "\": expected whole numbers");
    return *values;
  }
  const OnnxNode* node = q.producer(name);
  require(node != nullptr, q.what(), ": \"", name, "\": expected a constant");
  if (node->op == "Shape") {
    const Shape* known = q.shape_of(q.input_of(*node, 0));
    require(known != nullptr, q.of(*node), "its input is within a layer");
    Wholes all = graph_sample(*known);
    all.insert(all.begin(), any_batch);
    return all;
  }
  if (node->op == "Concat") {
    Wholes all;
    for (std::size_t i = 0; i < node->inputs.size(); ++i) {
      const Wholes part = whole_values(q, q.input_of(*node, i), looks);
      all.insert(all.end(), part.begin(), part.end());
      require(all.size() <= 64, q.of(*node), "expected a short list");
    }
    return all;
  }
  if (node->op == "Gather") {
    const Wholes from = whole_values(q, q.input_of(*node, 0), looks), at = whole_values(q, q.input_of(*node, 1), looks);
    Wholes all;
    for (const std::int64_t i : at) {
      const auto count = static_cast<std::int64_t>(from.size());
      require(i >= -count && i < count, q.of(*node), "expected one of ", count, " numbers, got ", i);
      all.push_back(from[static_cast<std::size_t>(i < 0 ? i + count : i)]);
    }
    return all;
  }
  if (node->op == "Slice") {
    const Wholes from = whole_values(q, q.input_of(*node, 0), looks);
    const auto count = static_cast<std::int64_t>(from.size());
    const auto bound = [&](std::size_t input) {
      const Wholes given = whole_values(q, q.input_of(*node, input), looks);
      require(given.size() == 1, q.of(*node), "expected one slice");
      return std::clamp<std::int64_t>(given[0] < 0 ? given[0] + count : given[0], 0, count);
    };
    require(!q.has_input(*node, 4) || whole_values(q, q.input_of(*node, 4), looks) == Wholes{1}, q.of(*node),
            "expected a step of 1");
    const std::int64_t begin = bound(1), end = std::max(begin, bound(2));
    return {from.begin() + begin, from.begin() + end};
  }
  if (node->op == "Unsqueeze" || node->op == "Squeeze" || node->op == "Cast" || node->op == "Identity")
    return whole_values(q, q.input_of(*node, 0), looks);
  fail(q.of(*node), "expected whole numbers that are made of shapes alone");
}

inline Wholes whole_values(const OnnxQuery& q, const std::string& name) {
  int looks = 256;
  return whole_values(q, name, looks);
}

/// The sample that a Squeeze or Unsqueeze makes of one, in the graph's order.
inline Wholes squeezed(const OnnxQuery& q, const OnnxNode& node, Wholes sample) {
  Wholes over = axes(q, node);
  const auto after = static_cast<std::int64_t>(sample.size() + 1) +
                     (node.op == "Unsqueeze" ? static_cast<std::int64_t>(over.size()) : 0);
  for (std::int64_t& axis : over) {
    if (axis < 0) axis += after;
    require(axis >= 1 && axis < after, q.of(node), "expected axes behind the batch, got ", axis);
  }
  std::sort(over.begin(), over.end());
  require(!over.empty() && over.size() <= 8 && std::adjacent_find(over.begin(), over.end()) == over.end(), q.of(node),
          "expected axes that are named, each once");
  if (node.op == "Unsqueeze") {
    for (const std::int64_t axis : over) {
      require(axis <= static_cast<std::int64_t>(sample.size()) + 1, q.of(node), "expected axes of its output");
      sample.insert(sample.begin() + (axis - 1), 1);
    }
  } else {
    for (std::size_t i = over.size(); i-- > 0;) {
      require(sample[static_cast<std::size_t>(over[i] - 1)] == 1, q.of(node), "expected axes of one element");
      sample.erase(sample.begin() + (over[i] - 1));
    }
  }
  return sample;
}

/// The sample that a Reshape, Flatten, Squeeze or Unsqueeze makes of one, in the graph's order. `packs` says of how
/// many samples one is made.
inline Wholes target(const OnnxQuery& q, const OnnxNode& node, const Shape& sample, Index* packs = nullptr) {
  const Wholes from = graph_sample(sample);
  if (node.op == "Flatten") {
    const std::int64_t axis = q.whole(node, "axis", 1);
    require(axis == 1 || axis == -static_cast<std::int64_t>(from.size()), q.of(node), "expected axis 1, got ", axis);
    return {sample.size()};
  }
  if (node.op == "Squeeze" || node.op == "Unsqueeze") return squeezed(q, node, from);
  Wholes to = whole_values(q, q.input_of(node, 1));
  require(!to.empty() && static_cast<Index>(to.size()) <= Shape::max_rank && q.whole(node, "allowzero", 0) == 0,
          q.of(node), "expected 1 to ", Shape::max_rank, " extents");
  Index product = 1, open = -1;
  for (std::size_t i = 1; i < to.size(); ++i) {
    if (to[i] == 0) {
      require(i <= from.size(), q.of(node), "expected an extent to copy");
      to[i] = from[i - 1];
    }
    if (to[i] == -1) {
      require(open < 0 && to[0] != -1, q.of(node), "expected one extent to be found out, got more");
      open = static_cast<Index>(i);
      continue;
    }
    require(to[i] > 0 && to[i] <= most_size && product <= most_size, q.of(node), "expected extents of 1 to ", most_size,
            ", got ", to[i]);
    product *= static_cast<Index>(to[i]);
  }
  require(to[0] == 0 || to[0] == -1 || to[0] == any_batch || to[0] == q.batch(), q.of(node),
          "expected a batch of any size, got ", to[0]);
  if (open >= 0) {
    require(sample.size() % product == 0, q.of(node), "cannot make rows of ", product, " of ", sample);
    to[static_cast<std::size_t>(open)] = sample.size() / product;
    product = sample.size();
  }
  if (packs && to[0] == -1 && sample.size() > 0) *packs = product / sample.size();
  require(product == sample.size() * (packs ? std::max<Index>(1, *packs) : 1), q.of(node), "cannot make ", product,
          " numbers of ", sample);
  return {to.begin() + 1, to.end()};
}

}  // namespace rival::internal
