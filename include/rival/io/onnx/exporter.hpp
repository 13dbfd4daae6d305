#pragma once
// OnnxExporter: how a kind of layer is said in ONNX's operators, and what several of them share.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/graph.hpp"
#include "rival/layers/size2.hpp"

namespace rival {

/// Adds what a layer does to the graph: of the place where its input is, gives that of its output.
using OnnxExporter = std::function<OnnxPlace(OnnxGraph&, const OnnxLayer&, const OnnxPlace&)>;

namespace internal {

using Whole = std::int64_t;
using Wholes = std::vector<std::int64_t>;

inline Wholes onnx_size(const Size2& size) { return {size.h, size.w}; }
inline Wholes onnx_padding(const Size2& begin, const Size2& end) { return {begin.h, begin.w, end.h, end.w}; }

/// The layer as it is for vectors and images, for samples of any other rank too: these are images of one column then.
inline OnnxExporter by_channels(OnnxExporter exporter) {
  return [exporter = std::move(exporter)](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) -> OnnxPlace {
    if (x.shape.rank() == 1 || x.shape.rank() == 3) return exporter(g, layer, x);
    OnnxLayer of_image = layer;
    of_image.in = {x.shape.size() / x.shape.back(), 1, x.shape.back()};
    of_image.out = of_image.in.with(2, layer.out.back());
    const OnnxPlace y = exporter(g, of_image, g.place(layer.name + ".in", x.name, of_image.in));
    return g.place(layer.name + ".out", g.elements(layer.name + ".out", y), layer.out);
  };
}

/// The layer for inputs whose features are counted as here.
inline OnnxExporter counted_as_here(OnnxExporter exporter) {
  return [exporter = std::move(exporter)](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) {
    return exporter(g, layer, g.plain(layer.name + ".in", x));
  };
}

inline OnnxPlace nothing(OnnxGraph&, const OnnxLayer&, const OnnxPlace& x) { return x; }

/// One operator on every element.
inline OnnxExporter elementwise(const std::string& op) {
  return [op](OnnxGraph& g, const OnnxLayer& layer, const OnnxPlace& x) -> OnnxPlace {
    return {g.add(op, layer.name, {x.name}), x.shape, x.order};
  };
}

/// x * scale + shift, with numbers of the graph of each channel.
inline std::string scale_and_shift(OnnxGraph& g, const std::string& name, const std::string& x,
                                   const std::string& scale, const std::string& shift) {
  return g.add("Add", name, {g.add("Mul", name + ".scaled", {x, scale}), shift});
}

}  // namespace internal

}  // namespace rival
