#pragma once
// Pools, enlargement and attention in the graph.

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/shape_values.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/io/onnx/windows.hpp"
#include "rival/layers/pool.hpp"
#include "rival/layers/reshape.hpp"
#include "rival/layers/self_attention.hpp"
#include "rival/layers/upsample.hpp"

namespace rival::internal {

inline OnnxStep read_pool(OnnxQuery& q, const OnnxNode& node, int) {
  const bool average = node.op == "AveragePool";
  const auto [from, around] = average ? padded_input(q, node) : std::pair{q.input_of(node, 0), padding(q, node)};
  require_no_dilation(q, node);
  require(around.begin == around.end && q.whole(node, "ceil_mode", 0) == 0, q.of(node),
          "expected the same padding on both sides, and sizes rounded down");
  // A Pad's zeros count, so those of the node's own must.
  const bool outer = from != q.input_of(node, 0) && !(zeros(q, *q.producer(q.input_of(node, 0))) == Padding{});
  const bool counts = q.whole(node, "count_include_pad", 0) != 0;
  require(!outer || counts || padding(q, node) == Padding{}, q.of(node),
          "expected zeros around it to count all or none");
  const Size2 kernel = window_size(q, node, "kernel_shape", 0), stride = window_size(q, node, "strides", 1);
  const Description d =
      average ? describe("avg_pool2d", AvgPoolOptions{.kernel = kernel,
                                                      .stride = stride,
                                                      .padding = around.begin,
                                                      .count_include_pad = counts || outer})
              : describe("max_pool2d", MaxPoolOptions{.kernel = kernel, .stride = stride, .padding = around.begin});
  return {&node, from, [d](ReadStack& stack) { append(stack, {d}); }};
}
inline OnnxStep read_global_pool(OnnxQuery& q, const OnnxNode& node, int) {
  const bool average = node.op == "GlobalAveragePool";
  return {&node, q.input_of(node, 0), [average](ReadStack& stack) {
            require(stack.shape.rank() == 3, "expected images, got ", stack.shape);
            const Size2 all{stack.shape[0], stack.shape[1]};
            append(stack, {average ? describe("avg_pool2d", AvgPoolOptions{.kernel = all, .stride = all})
                                   : describe("max_pool2d", MaxPoolOptions{.kernel = all, .stride = all})});
          }};
}
/// Of all pixels the sum or mean; what is left is a vector, or an image of one pixel.
inline OnnxStep read_reduction(OnnxQuery& q, const OnnxNode& node, int) {
  const Wholes over = axes(q, node);
  if (over != Wholes{2, 3} && over != Wholes{-2, -1} && over != Wholes{3, 2} && over != Wholes{-1, -2}) q.refuse(node);
  const bool image = q.whole(node, "keepdims", 1) != 0, mean = node.op == "ReduceMean";
  return {&node, q.input_of(node, 0), [=](ReadStack& stack) {
            require(stack.shape.rank() == 3, "expected images, got ", stack.shape);
            const Size2 all{stack.shape[0], stack.shape[1]};
            append(stack, {mean ? describe("avg_pool2d", AvgPoolOptions{.kernel = all, .stride = all})
                                : Description{"sum_pool"}});
            if (mean && !image) append(stack, {{"flatten"}});
            if (!mean && image) append(stack, {describe("reshape", ReshapeOptions{{1, 1, stack.shape.back()}})});
          }};
}

inline OnnxStep read_resize(OnnxQuery& q, const OnnxNode& node, int) {
  const bool old =
      node.op == "Upsample" || q.model().opset < 11;  // with scales as input 1, and one way to place pixels
  const std::string mode = q.attribute<std::string>(node, "mode", "nearest"),
                    place = q.attribute<std::string>(node, "coordinate_transformation_mode",
                                                     old ? "asymmetric" : "half_pixel"),
                    rounding = q.attribute<std::string>(node, "nearest_mode", old ? "floor" : "round_prefer_floor");
  // For whole factors an enlarged pixel's centre lies in one pixel.
  const bool nearest = mode == "nearest" && ((place == "asymmetric" && rounding == "floor") ||
                                             (place == "half_pixel" && rounding.starts_with("round")));
  const bool linear = mode == "linear" && (place == "half_pixel" || place == "pytorch_half_pixel");
  require(nearest || linear, q.of(node), "expected nearest pixels or bilinear ones without aligned corners, got ", mode,
          ", ", place, ", ", rounding);
  require(q.attribute<std::string>(node, "keep_aspect_ratio_policy", "stretch") == "stretch" &&
              q.whole(node, "antialias", 0) == 0 && !node.attributes.count("axes"),
          q.of(node), "expected scales or sizes of all axes, as they are");
  const bool sized = !old && q.has_input(node, 3);
  const OnnxTensor* scales = q.constant(node, old ? 1 : 2);
  return {&node, q.input_of(node, 0), [=, &q, &node](ReadStack& stack) {
            const Shape in = stack.shape;
            require(in.rank() == 3, "expected images, got ", in);
            std::vector<double> factors;
            if (sized) {
              const Wholes to = whole_values(q, q.input_of(node, 3));
              require(to.size() == 4 && to[1] == in[2], "expected four sizes that keep the channels");
              factors = {1, 1, static_cast<double>(to[2]) / static_cast<double>(in[0]),
                         static_cast<double>(to[3]) / static_cast<double>(in[1])};
            } else {
              require(scales != nullptr, "expected constant scales");
              factors = q.numbers(*scales);
            }
            require(factors.size() == 4 && factors[0] == 1 && factors[1] == 1, "expected four scales that keep the ",
                    "channels");
            for (const double f : factors)
              require(f >= 1 && f <= 1e6 && f == std::floor(f), "expected whole factors, got ", f);
            append(stack,
                   {describe("upsample",
                             UpsampleOptions{.factor = {static_cast<Index>(factors[2]), static_cast<Index>(factors[3])},
                                             .mode = nearest ? Interpolation::nearest : Interpolation::bilinear})});
          }};
}

/// As the exporter writes it; see self_attention in export_pixels.hpp.
inline std::optional<OnnxStep> read_attention(OnnxQuery& q, const OnnxNode& node) {
  const std::string& x = q.input_of(node, 0);
  const OnnxNode* image = q.made_by(&node, 1, "Reshape");
  const OnnxNode* seen = q.made_by(image, 0, "MatMul");
  const OnnxNode* mixed = q.made_by(seen, 1, "MatMul");
  const OnnxNode *h = q.made_by(mixed, 0, "MatMul"), *shares = q.made_by(mixed, 1, "Softmax");
  const OnnxNode* scores = q.made_by(shares, 0, "MatMul");
  const OnnxNode *keys = q.made_by(scores, 0, "Transpose"), *g = q.made_by(scores, 1, "MatMul");
  const OnnxNode* f = q.made_by(keys, 0, "MatMul");
  const OnnxNode* pixels = q.made_by(f, 1, "Reshape");
  if (!pixels || !h || !g || q.model().opset < 13 || q.input_of(*pixels, 0) != x ||
      q.input_of(*g, 1) != q.input_of(*f, 1) || q.input_of(*h, 1) != q.input_of(*f, 1) ||
      q.whole(*shares, "axis", -1) != 1 || q.wholes(*keys, "perm", {}) != Wholes{0, 2, 1})
    return {};
  const Shape keys_shape = q.matrix(*f, 0).shape, values_shape = q.matrix(*h, 0).shape;
  const SelfAttentionOptions o{.in = keys_shape[1], .keys = keys_shape[0], .values = values_shape[0]};
  ReadLayer layer{describe("self_attention", o)};
  const auto read = [&](const char* name, const OnnxNode& product, const Shape& expected) {
    const OnnxTensor& matrix = q.matrix(product, 0);
    require(matrix.shape == expected, q.of(product), "expected weights ", expected, ", got ", matrix.shape);
    layer.tensors[name] = q.numbers(matrix);
  };
  read("f", *f, {o.keys, o.in});
  read("g", *g, {o.keys, o.in});
  read("h", *h, {o.values, o.in});
  read("v", *seen, {o.in, o.values});
  layer.tensors["gamma"] = {1};
  return OnnxStep{&node, x, [=, &q](ReadStack& stack) {
                    const Shape in = stack.shape;
                    require(in.rank() == 3 && target(q, *pixels, in) == Wholes{in[2], in[0] * in[1]} &&
                                target(q, *image, in) == graph_sample(in),
                            "expected an image as a matrix of channels and pixels");
                    append(stack, layer);
                  }};
}

}  // namespace rival::internal
