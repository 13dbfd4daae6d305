#pragma once
// An ONNX graph as layers. From the output backward each node, or group of nodes, is taken for what it does (a step);
// then the steps are gone through forward, where shapes are known, and become layers.

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rival/io/onnx/import_branches.hpp"
#include "rival/io/onnx/import_channel_map.hpp"
#include "rival/io/onnx/import_elementwise.hpp"
#include "rival/io/onnx/import_norms.hpp"
#include "rival/io/onnx/import_pixels.hpp"
#include "rival/io/onnx/import_shapes.hpp"
#include "rival/io/onnx/import_weights.hpp"
#include "rival/io/onnx/query.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/io/onnx/walk.hpp"

namespace rival::internal {

/// Takes a node, the last of its group, for what it does. `depth` counts the branches that it is in.
using OnnxImporter = OnnxStep (*)(OnnxQuery&, const OnnxNode&, int depth);

/// The importers of all operators by name.
inline const std::map<std::string, OnnxImporter, std::less<>>& onnx_importers() {
  static const std::map<std::string, OnnxImporter, std::less<>> importers{
      {"Add", read_add},
      {"AveragePool", read_pool},
      {"BatchNormalization", read_batch_norm},
      {"Cast", read_nothing},
      {"Concat", read_concat},
      {"Conv", read_convolution},
      {"ConvTranspose", read_transposed_convolution},
      {"Div", read_div},
      {"Dropout", read_nothing},
      {"Elu", read_activation},
      {"Flatten", read_reshape},
      {"Gemm", read_gemm},
      {"GlobalAveragePool", read_global_pool},
      {"GlobalMaxPool", read_global_pool},
      {"Identity", read_nothing},
      {"InstanceNormalization", read_instance_norm},
      {"LayerNormalization", read_layer_normalization},
      {"LeakyRelu", read_activation},
      {"MatMul", read_matmul},
      {"MaxPool", read_pool},
      {"Mul", read_mul},
      {"Neg", read_map},
      {"PRelu", read_activation},
      {"Pad", read_nothing},
      {"ReduceMean", read_reduction},
      {"ReduceSum", read_reduction},
      {"Relu", read_activation},
      {"Reshape", read_reshape},
      {"Resize", read_resize},
      {"Sigmoid", read_activation},
      {"Softmax", read_softmax},
      {"Softplus", read_activation},
      {"Squeeze", read_reshape},
      {"Sub", read_map},
      {"Tanh", read_activation},
      {"Transpose", read_transpose},
      {"Unsqueeze", read_reshape},
      {"Upsample", read_resize},
  };
  return importers;
}

inline OnnxStep read_step(OnnxQuery& q, const OnnxNode& node, int depth) {
  require(node.domain.empty() || node.domain == "ai.onnx", q.of(node), "an operator of ", node.domain,
          ", which no layer is");
  const auto found = onnx_importers().find(node.op);
  require(found != onnx_importers().end(), q.of(node), "no layer is such an operator");
  return found->second(q, node, depth);
}

/// The steps to the outputs: to one, to the parts of one, or to two that are joined, a discriminator's scores and
/// heads.
inline std::vector<OnnxStep> read_steps(OnnxQuery& q) {
  const std::vector<OnnxValue>& outputs = q.model().outputs;
  require(!outputs.empty(), q.what(), ": it has no output");
  const OnnxNode* node = q.producer(outputs[0].name);
  if (outputs.size() == 1) return go_back(q, outputs[0].name, q.input(), 0);
  bool split = node && node->op == "Split" && node->outputs.size() == outputs.size();
  for (std::size_t i = 0; split && i < node->outputs.size(); ++i) split = node->outputs[i] == outputs[i].name;
  if (split && q.whole(*node, "axis", 0) == 1) return go_back(q, q.input_of(*node, 0), q.input(), 0);
  require(outputs.size() == 2 && node, q.what(), ": expected one output, two, or parts of one, got ", outputs.size());
  const OnnxStep joined = read_branches(q, *node, outputs[1].name, outputs[0].name, 0, {"concat_skip"});
  std::vector<OnnxStep> steps = go_back(q, joined.from, q.input(), 0);
  steps.push_back({node, joined.from, [joined](ReadStack& stack) {
                     joined.go(stack);
                     require(stack.shape.rank() == 1, "expected two outputs that are vectors, got ", stack.shape);
                   }});
  return steps;
}

/// All layers from the input to the output.
inline ReadStack read_layers(OnnxQuery& q) {
  ReadStack stack{q.sample()};
  q.set_shape(q.input(), q.sample());
  go_forward(q, stack, read_steps(q));
  require(stack.order.rank() != 3, q.what(), ": its output is an image as a vector, counted channel by channel, which ",
          "only a dense layer can read here");
  return stack;
}

}  // namespace rival::internal
