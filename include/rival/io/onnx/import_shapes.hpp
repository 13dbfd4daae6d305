#pragma once
// Samples under another shape in the graph: where an image becomes a vector and the other way round, and in which order
// features are counted then.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "rival/io/onnx/import_norms.hpp"
#include "rival/io/onnx/import_weights.hpp"
#include "rival/io/onnx/shape_values.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/layers/group_norm.hpp"
#include "rival/layers/pack.hpp"

namespace rival::internal {

inline bool matters(const Shape& image) { return image.rank() == 3 && image[2] > 1 && image[0] * image[1] > 1; }

/// The vector at the end of the stack is to be counted by the channels of an image, as it becomes one: the dense
/// layer that made it has its outputs in that order.
inline void count_by_channels(ReadStack& stack, const Shape& image) {
  require(stack.shape.rank() == 1, "expected a vector that becomes an image, got ", stack.shape);
  static const std::set<std::string, std::less<>> keep{
      "batch_norm", "relu", "leaky_relu", "tanh", "sigmoid", "elu", "softplus", "silu", "pixel_norm", "layer_norm"};
  for (std::size_t i = stack.layers.size(); i-- > 0;) {
    ReadLayer& layer = stack.layers[i];
    const std::string& kind = layer.description.kind;
    const bool one_group = kind == "group_norm" && read_options<GroupNormOptions>(layer.description).groups == 1;
    layer.order.out = image;
    if (kind == "dense") return;
    require(keep.count(kind) || one_group, "expected a dense layer to have made the vector that becomes an image, ",
            "got ", kind);
    layer.order.in = image;
  }
  fail("expected a dense layer to have made the vector that becomes an image, got the input");
}

/// A sample under another shape. In the graph an image's elements lie channel by channel, here pixel by pixel, unless
/// it is turned before (`from_pixels`) or afterwards (`to_image`).
inline void change_shape(OnnxQuery& q, ReadStack& stack, const OnnxNode& node, bool from_pixels, bool to_image) {
  const Shape in = stack.shape;
  Index packs = 1;
  Wholes extents;
  if (from_pixels) {
    require(in.rank() == 3, "expected images, got ", in);
    extents = target(q, node, {in.size()});
  } else {
    extents = target(q, node, in, &packs);
  }
  require(static_cast<Index>(extents.size()) < Shape::max_rank, "expected at most ", Shape::max_rank, " axes");
  if (extents.size() == 3 && !to_image) extents = {extents[1], extents[2], extents[0]};
  require(!to_image || extents.size() == 3, "expected images");
  Shape out;
  for (const std::int64_t extent : extents) out.push_back(static_cast<Index>(extent));
  if (packs > 1) {
    require(stack.order.rank() != 3 && (in.rank() == 1 || in.rank() == 3) &&
                out == in.with(in.rank() - 1, in.back() * packs),
            "expected the channels of ", packs, " samples behind each other, got ", out, " of ", in);
    return append(stack, {describe("pack", PackOptions{.count = packs})});
  }
  const Shape counted = from_pixels ? Shape{} : matters(in) ? in : stack.order;  // by this image's channels
  if (out == in && !from_pixels && !to_image) return;
  if (out.rank() == 1 && in.rank() != 1) {
    append(stack, {{"flatten"}});
    if (matters(counted)) stack.order = counted;
    return;
  }
  if (matters(counted)) {
    require(!to_image && out.rank() == 3 && counted == out, "expected the image that the vector was made of, got ",
            out);
  } else if (matters(out) && !to_image) {
    count_by_channels(stack, out);
  }
  append(stack, {describe("reshape", ReshapeOptions{out})});
}

inline const Wholes to_pixels{0, 2, 3, 1}, to_channels{0, 3, 1, 2};

inline OnnxStep read_reshape(OnnxQuery& q, const OnnxNode& node, int) {
  if (auto norm = read_group_norm(q, node, &node, nullptr, nullptr)) return *norm;
  const OnnxNode* turn = q.producer(q.input_of(node, 0));
  const bool pixels = turns(q, turn, to_pixels);
  return {&node, q.input_of(pixels ? *turn : node, 0),
          [&q, &node, pixels](ReadStack& stack) { change_shape(q, stack, node, pixels, false); }};
}
/// Pixels made an image: Transpose(Reshape(x)). Or the end of a convolution of signals.
inline OnnxStep read_transpose(OnnxQuery& q, const OnnxNode& node, int) {
  if (turns(q, &node, signal_turn) && (q.made_by(&node, 0, "Conv") || q.made_by(&node, 0, "ConvTranspose")))
    return read_signal_convolution(q, node);
  const OnnxNode* shape = q.made_by(&node, 0, "Reshape");
  if (!shape || !turns(q, &node, to_channels)) q.refuse(node);
  const OnnxNode* turn = q.producer(q.input_of(*shape, 0));
  const bool pixels = turns(q, turn, to_pixels);
  return {&node, q.input_of(pixels ? *turn : *shape, 0),
          [&q, shape, pixels](ReadStack& stack) { change_shape(q, stack, *shape, pixels, true); }};
}

}  // namespace rival::internal
