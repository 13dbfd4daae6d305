#pragma once
// An ONNX graph as layers. From the output backward each node, or group of nodes, is taken for what it does (a step);
// then the steps are gone through forward, where shapes are known, and become layers.

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "rival/io/onnx/import_branches.hpp"
#include "rival/io/onnx/import_elementwise.hpp"
#include "rival/io/onnx/import_norms.hpp"
#include "rival/io/onnx/import_pixels.hpp"
#include "rival/io/onnx/import_shapes.hpp"
#include "rival/io/onnx/import_weights.hpp"
#include "rival/io/onnx/query.hpp"
#include "rival/io/onnx/step.hpp"

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
      {"Div", read_pixel_norm},
      {"Dropout", read_nothing},
      {"Elu", read_activation},
      {"Flatten", read_reshape},
      {"Gemm", read_gemm},
      {"GlobalAveragePool", read_global_pool},
      {"GlobalMaxPool", read_global_pool},
      {"Identity", read_nothing},
      {"InstanceNormalization", read_instance_norm},
      {"LeakyRelu", read_activation},
      {"MatMul", read_matmul},
      {"MaxPool", read_pool},
      {"Mul", read_mul},
      {"Pad", read_nothing},
      {"ReduceSum", read_sum_pool},
      {"Relu", read_activation},
      {"Reshape", read_reshape},
      {"Resize", read_resize},
      {"Sigmoid", read_activation},
      {"Softplus", read_activation},
      {"Squeeze", read_reshape},
      {"Tanh", read_activation},
      {"Transpose", read_transpose},
      {"Unsqueeze", read_reshape},
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

/// All layers from the input to the output.
inline ReadStack read_layers(OnnxQuery& q) {
  const std::vector<OnnxValue>& outputs = q.model().outputs;
  require(!outputs.empty(), q.what(), ": it has no output");
  std::string last = outputs[0].name;
  const OnnxNode* node = q.producer(last);
  if (outputs.size() > 1) {  // a discriminator's scores and heads
    bool split = node && node->op == "Split" && node->outputs.size() == outputs.size();
    for (std::size_t i = 0; split && i < node->outputs.size(); ++i) split = node->outputs[i] == outputs[i].name;
    require(split && q.whole(*node, "axis", 0) == 1, q.what(), ": expected one output, or parts of one, got ",
            outputs.size());
    last = q.input_of(*node, 0);
  }
  ReadStack stack{q.sample()};
  q.set_shape(q.input(), q.sample());
  go_forward(q, stack, go_back(q, last, q.input(), 0));
  require(stack.order.rank() != 3, q.what(), ": its output is an image as a vector, counted channel by channel, which ",
          "only a dense layer can read here");
  return stack;
}

}  // namespace rival::internal
