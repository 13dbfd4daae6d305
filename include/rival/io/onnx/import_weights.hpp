#pragma once
// Dense layers and convolutions in the graph.

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/import_channel_map.hpp"
#include "rival/io/onnx/shape_values.hpp"
#include "rival/io/onnx/step.hpp"
#include "rival/io/onnx/windows.hpp"
#include "rival/layers/conv1d.hpp"
#include "rival/layers/conv2d.hpp"
#include "rival/layers/conv_transpose1d.hpp"
#include "rival/layers/conv_transpose2d.hpp"

namespace rival::internal {

inline OnnxStep read_dense(OnnxQuery& q, const OnnxNode& node, const std::string& from, const OnnxTensor& w,
                           bool transposed, const OnnxTensor* b, double alpha, double beta) {
  const Index in = w.shape[transposed ? 1 : 0], out = w.shape[transposed ? 0 : 1];
  ReadLayer layer{describe("dense", DenseOptions{.in = in, .out = out, .bias = b != nullptr})};
  std::vector<double> values = q.numbers(w);
  std::vector<double>& file = layer.tensors["weight"];
  file.resize(values.size());
  for (Index o = 0; o < out; ++o)
    for (Index i = 0; i < in; ++i)
      file[static_cast<std::size_t>(o * in + i)] =
          alpha * values[static_cast<std::size_t>(transposed ? o * in + i : i * out + o)];
  if (b) {
    layer.tensors["bias"] = of_channels(q, node, *b, {out});
    for (double& v : layer.tensors["bias"]) v *= beta;
  }
  return {&node, from, [layer = std::move(layer)](ReadStack& stack) mutable { append(stack, std::move(layer)); }};
}

inline OnnxStep read_gemm(OnnxQuery& q, const OnnxNode& node, int) {
  const OnnxTensor& w = q.matrix(node, 1);
  require(q.whole(node, "transA", 0) == 0, q.of(node), "expected samples as rows, got transA");
  const bool transposed = q.whole(node, "transB", 0) != 0;
  const OnnxTensor* b = q.has_input(node, 2) ? &q.weight(node, 2) : nullptr;
  return read_dense(q, node, q.input_of(node, 0), w, transposed, b, q.attribute<float>(node, "alpha", 1),
                    q.attribute<float>(node, "beta", 1));
}

inline OnnxStep read_matmul(OnnxQuery& q, const OnnxNode& node, int) {
  const OnnxTensor& w = q.matrix(node, 1);
  return read_dense(q, node, q.input_of(node, 0), w, false, nullptr, 1, 1);
}

inline OnnxStep with_weights(OnnxQuery& q, const OnnxNode& node, const std::string& from, ReadLayer layer,
                             const OnnxTensor& w, Index out) {
  layer.tensors["weight"] = q.numbers(w);
  if (q.has_input(node, 2)) layer.tensors["bias"] = q.features(node, q.weight(node, 2), out);
  return {&node, from, [layer = std::move(layer)](ReadStack& stack) mutable { append(stack, std::move(layer)); }};
}

inline OnnxStep read_convolution(OnnxQuery& q, const OnnxNode& node, int) {
  const OnnxTensor& w = q.weight(node, 1);
  require(w.shape.rank() == 4, q.of(node), "expected weights out x in x height x width, got ", w.shape);
  require_no_dilation(q, node);
  const auto [from, around] = padded_input(q, node);
  const Index groups = static_cast<Index>(q.whole(node, "group", 1));
  require(groups > 0 && groups <= w.shape[0], q.of(node), "expected 1 to ", w.shape[0], " groups, got ", groups);
  ReadLayer layer{describe("conv2d", Conv2dOptions{.in = w.shape[1] * groups,
                                                   .out = w.shape[0],
                                                   .kernel = {w.shape[2], w.shape[3]},
                                                   .stride = window_size(q, node, "strides", 1),
                                                   .padding = around.begin,
                                                   .padding_end = around.end,
                                                   .bias = q.has_input(node, 2),
                                                   .groups = groups})};
  return with_weights(q, node, from, std::move(layer), w, w.shape[0]);
}

/// The one transposed convolution in groups that there is a layer for.
inline OnnxStep read_blur(OnnxQuery& q, const OnnxNode& node, const OnnxTensor& w, const Padding& around) {
  const std::vector<double> taps = q.numbers(w), one{0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25};
  bool same = w.shape == Shape{w.shape[0], 1, 3, 3} && q.whole(node, "group", 1) == w.shape[0] &&
              window_size(q, node, "strides", 1) == Size2(2) && window_size(q, node, "output_padding", 0) == Size2(0) &&
              around == Padding{0, 1} && !q.has_input(node, 2);
  for (std::size_t i = 0; same && i < taps.size(); ++i) same = taps[i] == one[i % one.size()];
  require(same, q.of(node), "a transposed convolution in groups is what no layer does, but for the filter 1 2 1");
  return {&node, q.input_of(node, 0), [](ReadStack& stack) { append(stack, {{"blur_upsample"}}); }};
}

inline OnnxStep read_transposed_convolution(OnnxQuery& q, const OnnxNode& node, int) {
  const OnnxTensor& w = q.weight(node, 1);
  require(w.shape.rank() == 4, q.of(node), "expected weights in x out x height x width, got ", w.shape);
  require_no_dilation(q, node);
  require(!node.attributes.count("output_shape"), q.of(node), "expected explicit padding, got an output_shape");
  const Padding around = padding(q, node);
  if (q.whole(node, "group", 1) != 1) return read_blur(q, node, w, around);
  ReadLayer layer{
      describe("conv_transpose2d", ConvTranspose2dOptions{.in = w.shape[0],
                                                          .out = w.shape[1],
                                                          .kernel = {w.shape[2], w.shape[3]},
                                                          .stride = window_size(q, node, "strides", 1),
                                                          .padding = around.begin,
                                                          .padding_end = around.end,
                                                          .output_padding = window_size(q, node, "output_padding", 0),
                                                          .bias = q.has_input(node, 2)})};
  return with_weights(q, node, q.input_of(node, 0), std::move(layer), w, w.shape[1]);
}

/// A convolution of signals, between two nodes that bring the channels to the front and back: `back` is the second.
inline OnnxStep read_signal_convolution(OnnxQuery& q, const OnnxNode& back) {
  const OnnxNode& node = *q.producer(q.input_of(back, 0));
  const OnnxNode* front = q.producer(q.input_of(node, 0));
  require(turns(q, front, signal_turn), q.of(node),
          "expected signals whose channels are brought to the front and back");
  const OnnxTensor& w = q.weight(node, 1);
  require(w.shape.rank() == 3, q.of(node), "expected weights of a kernel along one axis, got ", w.shape);
  require_no_dilation(q, node);
  const auto one = [&](std::string_view name, std::int64_t otherwise) {
    const Wholes all = q.wholes(node, name, {otherwise});
    require(all.size() == 1, q.of(node), "expected one number in \"", name, "\", got ", all.size());
    return static_cast<Index>(all[0]);
  };
  const std::string automatic = q.attribute<std::string>(node, "auto_pad", "NOTSET");
  const Wholes pads = q.wholes(node, "pads", {0, 0});
  require((automatic == "NOTSET" || automatic.empty()) && pads.size() == 2 && pads[0] >= 0 && pads[1] >= 0, q.of(node),
          "expected explicit padding, two numbers >= 0");
  const auto padding = static_cast<Index>(pads[0]), end = static_cast<Index>(pads[1]);
  const auto groups = static_cast<Index>(q.whole(node, "group", 1));
  const bool bias = q.has_input(node, 2);
  const std::string& from = q.input_of(*front, 0);
  OnnxStep step;
  if (node.op == "Conv") {
    require(groups > 0 && groups <= w.shape[0], q.of(node), "expected 1 to ", w.shape[0], " groups, got ", groups);
    step = with_weights(q, node, from,
                        {describe("conv1d", Conv1dOptions{.in = w.shape[1] * groups,
                                                          .out = w.shape[0],
                                                          .kernel = w.shape[2],
                                                          .stride = one("strides", 1),
                                                          .padding = padding,
                                                          .padding_end = end,
                                                          .bias = bias,
                                                          .groups = groups})},
                        w, w.shape[0]);
  } else {
    require(groups == 1 && !node.attributes.count("output_shape"), q.of(node),
            "expected a transposed convolution without groups, with explicit padding");
    step = with_weights(q, node, from,
                        {describe("conv_transpose1d", ConvTranspose1dOptions{.in = w.shape[0],
                                                                             .out = w.shape[1],
                                                                             .kernel = w.shape[2],
                                                                             .stride = one("strides", 1),
                                                                             .padding = padding,
                                                                             .padding_end = end,
                                                                             .output_padding = one("output_padding", 0),
                                                                             .bias = bias})},
                        w, w.shape[1]);
  }
  step.node = &back;
  return step;
}

inline OnnxStep read_basis(OnnxQuery& q, const OnnxNode& node, const OnnxNode& strengths, const OnnxNode& product,
                           const OnnxTensor& image) {
  const OnnxTensor& w = q.matrix(product, 1);
  require(image.shape.rank() == 3 && image.shape[0] == w.shape[0] && !q.has_input(product, 2) &&
              q.whole(product, "transB", 0) == 1 && q.whole(product, "transA", 0) == 0 &&
              q.attribute<float>(product, "alpha", 1) == 1,
          q.of(node), "expected an image whose channels are as strong as a product of the input says");
  const Shape sample{image.shape[1], image.shape[2], image.shape[0]};
  ReadLayer layer{describe("basis", BasisOptions{.in = w.shape[1], .shape = sample})};
  layer.tensors = {{"weight", q.numbers(w)}, {"basis", q.numbers(image)}};
  return {&node, q.input_of(product, 0), [=, &q, layer = std::move(layer)](ReadStack& stack) {
            require(target(q, strengths, {sample[2]}) == Wholes{sample[2], 1, 1}, "expected one number a channel");
            append(stack, layer);
          }};
}

}  // namespace rival::internal
