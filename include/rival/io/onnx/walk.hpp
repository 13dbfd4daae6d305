#pragma once
// The ways through a graph: backward from a value to one that it is made of, and forward through the steps on the way.

#include <algorithm>
#include <string>
#include <utility>
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

/// Which nodes a value is made of.
inline std::vector<bool> ancestors(const OnnxQuery& q, const std::string& value) {
  std::vector<bool> all(q.model().nodes.size());
  std::vector<std::string> open{value};
  while (!open.empty()) {
    const OnnxNode* node = q.producer(open.back());
    open.pop_back();
    if (!node || all[q.number_of(*node)] || node->op == "Constant" || node->op == "Shape") continue;
    all[q.number_of(*node)] = true;
    open.insert(open.end(), node->inputs.begin(), node->inputs.end());
  }
  return all;
}

/// Of the values that both are made of the last one.
inline std::string fork_of(const OnnxQuery& q, const std::string& a, const std::string& b) {
  const std::vector<bool> of_a = ancestors(q, a), of_b = ancestors(q, b);
  for (std::size_t i = q.model().nodes.size(); i-- > 0;)
    if (of_a[i] && of_b[i]) return q.model().nodes[i].outputs.front();
  return q.input();
}

}  // namespace rival::internal
