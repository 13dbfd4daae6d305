#pragma once
// What changes each element by itself, or nothing, in the graph.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "rival/io/onnx/step.hpp"
#include "rival/io/onnx/windows.hpp"
#include "rival/io/onnx/wire.hpp"
#include "rival/layers/activations.hpp"
#include "rival/layers/softmax.hpp"

namespace rival::internal {

inline OnnxStep read_nothing(OnnxQuery& q, const OnnxNode& node, int) {
  require(node.op != "Pad" || zeros(q, node) == Padding{}, q.of(node),
          "expected a convolution or an average behind it");
  require(node.op != "Cast" || q.whole(node, "to", 0) == onnx_float || q.whole(node, "to", 0) == onnx_double,
          q.of(node), "expected numbers that stay float or double, got ONNX's type number ", q.whole(node, "to", 0));
  require(node.op != "Dropout" || !q.has_input(node, 2) || q.number(node, 2) == 0, q.of(node), "expected evaluation");
  return {&node, q.input_of(node, 0), [](ReadStack&) {}};
}
inline OnnxStep read_activation(OnnxQuery& q, const OnnxNode& node, int) {
  Description d{node.op};
  std::transform(d.kind.begin(), d.kind.end(), d.kind.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  if (node.op == "LeakyRelu") d = describe("leaky_relu", LeakyReLUOptions{q.real(node, "alpha", 0.01f)});
  if (node.op == "PRelu") {
    const std::vector<double> slopes = q.numbers(q.weight(node, 1));
    const bool one =
        !slopes.empty() && std::all_of(slopes.begin(), slopes.end(), [&](double s) { return s == slopes[0]; });
    require(one, q.of(node), "expected one slope for all channels");
    d = describe("leaky_relu", LeakyReLUOptions{as_written(slopes[0])});
  }
  if (node.op == "Elu") d = describe("elu", ELUOptions{q.real(node, "alpha", 1)});
  return {&node, q.input_of(node, 0), [d](ReadStack& stack) { append(stack, {d}, true); }};
}

/// Over the channels, in the graph's order of axes.
inline OnnxStep read_softmax(OnnxQuery& q, const OnnxNode& node, int) {
  const std::int64_t axis = q.whole(node, "axis", q.model().opset >= 13 ? -1 : 1);
  return {&node, q.input_of(node, 0), [&q, &node, axis](ReadStack& stack) {
            const std::int64_t rank = stack.shape.rank() + 1, channels = stack.shape.rank() == 3 ? 1 : rank - 1;
            require((axis < 0 ? axis + rank : axis) == channels, q.of(node), "expected a softmax over the channels");
            append(stack, {describe("softmax", SoftmaxOptions{})}, true);
          }};
}

}  // namespace rival::internal
