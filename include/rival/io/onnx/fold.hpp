#pragma once
// Constants that nodes make of constants: spectral norm's weights, and what exporters leave to whoever reads the graph.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rival/io/onnx_model.hpp"

namespace rival::internal {

/// The tensor in a Constant, whichever attribute holds it; nothing for texts and sparse tensors.
inline std::optional<OnnxTensor> constant_value(const OnnxNode& node) {
  if (node.attributes.size() != 1) return {};
  const auto& [name, value] = *node.attributes.begin();
  const auto count = [](const auto& values) { return Shape{static_cast<Index>(values.size())}; };
  if (const auto* tensor = std::get_if<OnnxTensor>(&value); tensor && name == "value") return *tensor;
  if (const auto* number = std::get_if<float>(&value); number && name == "value_float")
    return OnnxTensor{"", {}, std::vector<float>{*number}};
  if (const auto* whole = std::get_if<std::int64_t>(&value); whole && name == "value_int")
    return OnnxTensor{"", {}, std::vector<std::int64_t>{*whole}};
  if (const auto* numbers = std::get_if<std::vector<float>>(&value); numbers && name == "value_floats")
    return OnnxTensor{"", count(*numbers), *numbers};
  if (const auto* wholes = std::get_if<std::vector<std::int64_t>>(&value); wholes && name == "value_ints")
    return OnnxTensor{"", count(*wholes), *wholes};
  return {};
}

inline std::vector<double> as_doubles(const OnnxTensor& tensor) {
  return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                    tensor.values);
}

/// The product of a matrix or vector with a vector, a tensor times or over a number; nothing for what is none of these.
inline std::optional<OnnxTensor> folded(const OnnxNode& node, const OnnxTensor& a, const OnnxTensor& b) {
  if (a.whole_numbers() || b.whole_numbers()) return {};
  OnnxTensor made{node.outputs[0], {}, {}};
  std::vector<double> x = as_doubles(a);
  const std::vector<double> y = as_doubles(b);
  if (node.op == "MatMul") {
    const Index rank = a.shape.rank();
    if (rank < 1 || rank > 2 || b.shape.rank() != 1 || a.shape.back() != b.shape[0] || b.shape[0] == 0) return {};
    if (rank == 2) made.shape = {a.shape[0]};
    std::vector<double> sums(static_cast<std::size_t>(made.shape.size()), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) sums[i / y.size()] += x[i] * y[i % y.size()];
    made.values = std::move(sums);
    return made;
  }
  if ((node.op != "Mul" && node.op != "Div") || b.shape.size() != 1 || b.shape.rank() > a.shape.rank()) return {};
  for (double& v : x) v = node.op == "Mul" ? v * y[0] : v / y[0];
  made.shape = a.shape;
  made.values = std::move(x);
  return made;
}

}  // namespace rival::internal
