#pragma once
// OnnxStep: what a node, or a group of nodes, does; and the layers that steps are made into.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rival/core/shape.hpp"
#include "rival/io/onnx/query.hpp"
#include "rival/io/weight_layout.hpp"
#include "rival/layers/make_layer.hpp"
#include "rival/nn/description.hpp"

namespace rival::internal {

/// A layer, its tensors as they lie in the file, by the last part of their names, and how the features are counted that
/// go in and come out.
struct ReadLayer {
  Description description;
  std::map<std::string, std::vector<double>> tensors = {};
  FeatureOrder order = {};
  std::vector<std::vector<ReadLayer>> branches = {};
};

/// The layers so far, and what comes out of them. A sample is of `shape`; `order` is the image by whose channels a
/// vector's features are counted, as in OnnxPlace.
struct ReadStack {
  Shape shape, order = {};
  std::vector<ReadLayer> layers = {};
};

struct OnnxStep {
  const OnnxNode* node;  ///< the last of those that it is made of
  std::string from;      ///< the value that it reads
  std::function<void(ReadStack&)> go;
};

/// Appends a layer. Throws Error where it does not fit the shape.
inline void append(ReadStack& stack, ReadLayer layer, bool keeps_features = false) {
  const Shape in = stack.shape;
  stack.shape = make_layer<float>(layer.description)->output_shape(in);
  layer.order.in = stack.order;
  if (keeps_features)
    layer.order.out = stack.order;
  else
    require(stack.order.rank() != 3 || layer.description.kind == "dense" || layer.description.kind == "basis" ||
                layer.description.kind == "reshape",
            "expected vectors whose features have no order, got an image as a vector, counted channel by channel");
  if (!keeps_features) stack.order = {};
  stack.layers.push_back(std::move(layer));
}

/// Whether the node brings axes into this order.
inline bool turns(OnnxQuery& q, const OnnxNode* node, const std::vector<std::int64_t>& order) {
  return node && node->op == "Transpose" && q.wholes(*node, "perm", {}) == order;
}

/// The order that makes signals of steps by channels ones of channels by steps, and the other way round.
inline const std::vector<std::int64_t> signal_turn{0, 2, 1};

}  // namespace rival::internal
