#pragma once
// Sums, products and joins in the graph: of a value and constants, or of two branches that a value takes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/import_norms.hpp"
#include "rival/io/onnx/import_pixels.hpp"
#include "rival/io/onnx/import_samples.hpp"
#include "rival/io/onnx/import_weights.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/io/onnx/walk.hpp"
#include "rival/layers/make_layer.hpp"
#include "rival/layers/residual.hpp"

namespace rival::internal {

/// The shape of two branches' sum, or of their channels behind each other.
inline Shape joined_shape(const std::string& kind, const Shape& main, const Shape& skip) {
  if (kind == "residual") {
    require(main == skip, "expected branches of the same shape, got ", main, " and ", skip);
    return main;
  }
  const Index last = main.rank() - 1;
  require(last >= 0 && main.rank() == skip.rank() && main == skip.with(last, main.back()),
          "expected branches of the same shape but for the channels, got ", skip, " and ", main);
  return main.with(last, skip.back() + main.back());
}

/// Two branches of the value that both are made of.
inline OnnxStep read_branches(OnnxQuery& q, const OnnxNode& node, const std::string& main, const std::string& skip,
                              int depth, const Description& joined) {
  const std::string fork = fork_of(q, main, skip);
  auto a = std::make_shared<std::vector<OnnxStep>>(go_back(q, main, fork, depth + 1)),
       b = std::make_shared<std::vector<OnnxStep>>(go_back(q, skip, fork, depth + 1));
  return {&node, fork, [=, &q](ReadStack& stack) {
            ReadStack left{stack.shape, stack.order}, right = left;
            go_forward(q, left, *a);
            go_forward(q, right, *b);
            // A skip branch that does nothing is the shorter way to say it.
            if (joined.kind == "residual" && left.layers.empty()) std::swap(left, right);
            require(left.order == right.order && (left.order.rank() != 3 || joined.kind == "residual"),
                    "expected branches that count their features in the same way");
            Description d = joined;
            for (const ReadStack* branch : {&left, &right}) {
              d.layers.push_back({"sequential"});
              for (const ReadLayer& layer : branch->layers) d.layers.back().layers.push_back(layer.description);
            }
            stack.shape = joined_shape(joined.kind, left.shape, right.shape);
            stack.order = left.order;
            ReadLayer layer{d};
            layer.branches = {std::move(left.layers), std::move(right.layers)};
            stack.layers.push_back(std::move(layer));
          }};
}

/// x * sigmoid(x), the sum of two branches times a number, or a basis.
inline OnnxStep read_mul(OnnxQuery& q, const OnnxNode& node, int depth) {
  for (std::size_t i = 0; i < 2; ++i) {
    const OnnxNode* gate = q.made_by(&node, i, "Sigmoid");
    if (gate && q.input_of(*gate, 0) == q.input_of(node, 1 - i))
      return {&node, q.input_of(node, 1 - i), [](ReadStack& stack) { append(stack, {{"silu"}}, true); }};
    const OnnxNode* sum = q.made_by(&node, i, "Add");
    if (sum && q.number(node, 1 - i) == q.number(node, 1 - i) && !q.constant(*sum, 0) && !q.constant(*sum, 1)) {
      const double scale = as_written(q.number(node, 1 - i));
      return read_branches(q, node, q.input_of(*sum, 0), q.input_of(*sum, 1), depth,
                           describe("residual", ResidualOptions{.scale = scale}));
    }
    const OnnxNode* strengths = q.made_by(&node, i, "Reshape");
    const OnnxNode* product = q.made_by(strengths, 0, "Gemm");
    const OnnxTensor* image = q.constant(node, 1 - i);
    if (product && image) return read_basis(q, node, *strengths, *product, *image);
  }
  if (auto norm = read_pixel_norm(q, node)) return *norm;
  if (auto norm = read_conditional_norm(q, node)) return *norm;
  return read_map(q, node, depth);
}

inline OnnxStep read_add(OnnxQuery& q, const OnnxNode& node, int depth) {
  for (std::size_t i = 0; i < 2; ++i) {
    const OnnxTensor* added = q.constant(node, i);
    if (!added) continue;
    if (const OnnxNode* product = q.made_by(&node, 1 - i, "MatMul"))
      return read_dense(q, node, q.input_of(*product, 0), q.matrix(*product, 1), false, added, 1, 1);
    if (const OnnxNode* scaled = q.made_by(&node, 1 - i, "Mul"))
      for (std::size_t k = 0; k < 2; ++k)
        if (const OnnxTensor* factor = q.constant(*scaled, k))
          if (auto norm = read_group_norm(q, node, q.producer(q.input_of(*scaled, 1 - k)), factor, added)) return *norm;
    return read_map(q, node, depth);
  }
  if (auto projection = read_projection(q, node)) return *projection;
  if (auto norm = read_conditional_norm(q, node)) return *norm;
  if (auto attention = read_attention(q, node)) return *attention;
  return read_branches(q, node, q.input_of(node, 0), q.input_of(node, 1), depth,
                       describe("residual", ResidualOptions{}));
}

/// x with the rows of a table that the labels choose, with the deviations of its samples or behind the logarithm of its
/// sum of exponentials, or two branches.
inline OnnxStep read_concat(OnnxQuery& q, const OnnxNode& node, int depth) {
  require(node.inputs.size() == 2, q.of(node), "expected two inputs, got ", node.inputs.size());
  const std::int64_t axis = q.whole(node, "axis", 0);
  if (auto embedding = read_embedding(q, node)) return *embedding;
  if (auto stddev = read_stddev(q, node)) return *stddev;
  if (auto sum = read_log_sum_exp(q, node)) return *sum;
  OnnxStep step = read_branches(q, node, q.input_of(node, 1), q.input_of(node, 0), depth, {"concat_skip"});
  step.go = [&q, &node, axis, go = step.go](ReadStack& stack) {
    go(stack);
    const auto rank = static_cast<std::int64_t>(stack.shape.rank());
    const std::int64_t channels = rank == 3 ? 1 : rank;
    require(axis == channels || axis == channels - rank - 1, q.of(node), "expected channels (axis ", channels,
            ") to be joined, got axis ", axis);
  };
  return step;
}

}  // namespace rival::internal
