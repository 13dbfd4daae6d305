#pragma once
// Numbers of each channel in the graph: x times them, over them, plus or minus them.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/query.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/layers/batch_norm.hpp"

namespace rival::internal {

/// The numbers of each channel of samples: one for all, or of a shape that goes with the channels alone, {C} for
/// vectors and {C, 1, 1} for images, with or without a batch in front.
inline std::vector<double> of_channels(OnnxQuery& q, const OnnxNode& node, const OnnxTensor& tensor,
                                       const Shape& sample) {
  const Index rank = tensor.shape.rank(), behind = sample.rank() == 3 ? 2 : 0, count = sample.back();
  if (tensor.shape.size() == 1 && rank <= sample.rank() + 1) {
    q.count_made(count);
    return std::vector<double>(static_cast<std::size_t>(count), q.numbers(tensor)[0]);
  }
  const bool fits = (sample.rank() == 1 || sample.rank() == 3) && rank > behind && rank <= sample.rank() + 1 &&
                    tensor.shape.size() == count && tensor.shape[rank - 1 - behind] == count;
  require(fits, q.of(node), "expected a number, or one for each of the ", count, " channels of ", sample, ", got \"",
          tensor.name, "\" of shape ", tensor.shape);
  return q.numbers(tensor);
}

/// y = x * scale + shift of each channel: a batch norm whose own statistics do nothing, or a change of the one in
/// front.
inline void append_map(ReadStack& stack, const std::vector<double>& scale, const std::vector<double>& shift) {
  const Index count = stack.shape.back();
  const auto is = [](double number) { return [number](double v) { return v == number; }; };
  if (std::all_of(scale.begin(), scale.end(), is(1)) && std::all_of(shift.begin(), shift.end(), is(0))) return;
  const Description d = describe("batch_norm", BatchNormOptions{.features = count, .epsilon = 1});
  const std::vector<double> none(static_cast<std::size_t>(count), 0.0);
  const bool behind_one =
      !stack.layers.empty() && stack.layers.back().description == d && stack.layers.back().tensors["variance"] == none;
  if (!behind_one)
    append(stack,
           {d, {{"weight", std::vector<double>(none.size(), 1.0)}, {"bias", none}, {"mean", none}, {"variance", none}}},
           true);
  std::vector<double>&weight = stack.layers.back().tensors["weight"], &bias = stack.layers.back().tensors["bias"];
  for (std::size_t i = 0; i < none.size(); ++i) {
    weight[i] *= scale[i];
    bias[i] = bias[i] * scale[i] + shift[i];
  }
}

/// x and a constant under Add, Sub, Mul or Div, or x under Neg. Null where neither input is a constant, or x is under
/// the line.
inline std::optional<OnnxStep> read_channel_map(OnnxQuery& q, const OnnxNode& node) {
  const std::size_t at = q.constant(node, 0) ? 0 : 1;
  const OnnxTensor* c = node.op == "Neg" ? nullptr : q.constant(node, at);
  if (node.op != "Neg" && (!c || c->whole_numbers() || (node.op == "Div" && at == 0))) return {};
  const std::string& x = q.input_of(node, node.op == "Neg" ? 0 : 1 - at);
  return OnnxStep{&node, x, [=, &q, &node](ReadStack& stack) {
                    if (!c) q.count_made(stack.shape.back());
                    const std::vector<double> numbers =
                        c ? of_channels(q, node, *c, stack.shape)
                          : std::vector<double>(static_cast<std::size_t>(stack.shape.back()));
                    std::vector<double> scale(numbers.size(), 1.0), shift(numbers.size(), 0.0);
                    for (std::size_t i = 0; i < numbers.size(); ++i) {
                      const double v = numbers[i];
                      if (node.op == "Mul") scale[i] = v;
                      if (node.op == "Neg") scale[i] = -1;
                      if (node.op == "Div") scale[i] = 1 / v;
                      if (node.op == "Add") shift[i] = v;
                      if (node.op == "Sub") shift[i] = at == 0 ? v : -v, scale[i] = at == 0 ? -1 : 1;
                    }
                    append_map(stack, scale, shift);
                  }};
}

/// Such a node, or an Error.
inline OnnxStep read_map(OnnxQuery& q, const OnnxNode& node, int) {
  if (auto map = read_channel_map(q, node)) return *map;
  q.refuse(node);
}

}  // namespace rival::internal
