#pragma once
// The windows of convolutions and pools: their sizes, and the zeros around an image.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "rival/io/onnx/query.hpp"
#include "rival/io/onnx/shape_values.hpp"
#include "rival/layers/size2.hpp"

namespace rival::internal {

inline Size2 window_size(OnnxQuery& q, const OnnxNode& node, std::string_view name, Size2 otherwise) {
  const Wholes both = q.wholes(node, name, {otherwise.h, otherwise.w});
  require(both.size() == 2, q.of(node), "expected two numbers in \"", name, "\", got ", both.size());
  return {static_cast<Index>(both[0]), static_cast<Index>(both[1])};
}
/// The padding of a window with zeros: above and to the left, below and to the right.
struct Padding {
  Size2 begin = 0, end = 0;
  friend bool operator==(const Padding&, const Padding&) = default;
};
inline Padding padding(OnnxQuery& q, const OnnxNode& node) {
  const std::string automatic = q.attribute<std::string>(node, "auto_pad", "NOTSET");
  require(automatic == "NOTSET" || automatic.empty(), q.of(node), "expected explicit padding, got ", automatic);
  const Wholes pads = q.wholes(node, "pads", {0, 0, 0, 0});
  require(pads.size() == 4, q.of(node), "expected four numbers in \"pads\", got ", pads.size());
  for (const std::int64_t p : pads)
    require(p >= 0 && p <= most_size, q.of(node), "expected paddings of 0 to ", most_size, ", got ", p);
  return {{static_cast<Index>(pads[0]), static_cast<Index>(pads[1])},
          {static_cast<Index>(pads[2]), static_cast<Index>(pads[3])}};
}
/// That of a Pad of its own, with zeros.
inline Padding zeros(OnnxQuery& q, const OnnxNode& pad) {
  const Wholes pads = q.has_input(pad, 1) ? whole_values(q, pad.inputs[1]) : q.wholes(pad, "pads", {});
  require(q.attribute<std::string>(pad, "mode", "constant") == "constant" &&
              (!q.has_input(pad, 2) || q.number(pad, 2) == 0) && q.attribute<float>(pad, "value", 0) == 0 &&
              !q.has_input(pad, 3) &&
              std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p >= 0 && p <= most_size; }),
          q.of(pad), "expected zeros around an image");
  if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0) q.refuse(pad);
  return {{static_cast<Index>(pads[2]), static_cast<Index>(pads[3])},
          {static_cast<Index>(pads[6]), static_cast<Index>(pads[7])}};
}
/// The value that a window goes over, and the padding, that of a Pad in front of it too.
inline std::pair<std::string, Padding> padded_input(OnnxQuery& q, const OnnxNode& node) {
  Padding own = padding(q, node);
  const OnnxNode* pad = q.made_by(&node, 0, "Pad");
  if (!pad) return {q.input_of(node, 0), own};
  const Padding outer = zeros(q, *pad);
  own.begin = {own.begin.h + outer.begin.h, own.begin.w + outer.begin.w};
  own.end = {own.end.h + outer.end.h, own.end.w + outer.end.w};
  return {q.input_of(*pad, 0), own};
}
inline void require_no_dilation(OnnxQuery& q, const OnnxNode& node) {
  for (const std::int64_t d : q.wholes(node, "dilations", {1, 1}))
    require(d == 1, q.of(node), "expected no dilation, got ", d);
}

}  // namespace rival::internal
