#pragma once
// The ways through a graph: backward from a value to one that it is made of, and forward through the steps on the way.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rival/io/onnx/query.hpp"
#include "rival/io/onnx/step.hpp"

namespace rival::internal {

inline constexpr int most_depth = 32;  // of branches within each other

OnnxStep read_step(OnnxQuery& q, const OnnxNode& node, int depth);  // importers.hpp

/// The steps from `stop` to `value`.
inline std::vector<OnnxStep> go_back(OnnxQuery& q, std::string value, const std::string& stop, int depth) {
  require(depth <= most_depth, q.what(), ": expected at most ", most_depth, " branches within each other, got more");
  std::vector<OnnxStep> steps;
  while (value != stop) {
    const OnnxNode* node = q.producer(value);
    require(node != nullptr, q.what(), ": \"", value, "\" is not made of \"", stop, "\"");
    require(q.take(*node), q.of(*node), "expected branches that part at one value and meet at another, got one more ",
            "way from here");
    steps.push_back(read_step(q, *node, depth));
    value = steps.back().from;
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

inline void go_forward(OnnxQuery& q, ReadStack& stack, const std::vector<OnnxStep>& steps) {
  for (const OnnxStep& s : steps) {
    try {
      s.go(stack);
    } catch (const Error& error) {
      const std::string text = error.what();
      if (text.compare(0, q.what().size(), q.what()) == 0) throw;
      fail(q.of(*s.node), text);
    }
    if (!s.node->outputs.empty()) q.set_shape(s.node->outputs[0], stack.shape);
  }
}

/// Of the values that both are made of the last one. Nodes are looked at from the last to the first, so that all that
/// read a node come before it, and no further than to that value.
inline std::string fork_of(const OnnxQuery& q, const std::string& a, const std::string& b) {
  constexpr int of_a = 1, of_b = 2;
  std::map<std::size_t, int, std::greater<>> open;
  const auto add = [&](const std::string& value, int of) {
    const OnnxNode* node = q.producer(value);
    if (node && node->op != "Constant" && node->op != "Shape") open[q.number_of(*node)] |= of;
  };
  add(a, of_a);
  add(b, of_b);
  while (!open.empty()) {
    const auto [number, of] = *open.begin();
    const OnnxNode& node = q.model().nodes[number];
    if (of == (of_a | of_b)) return node.outputs.front();
    open.erase(open.begin());
    for (const std::string& input : node.inputs) add(input, of);
  }
  return q.input();
}

}  // namespace rival::internal
