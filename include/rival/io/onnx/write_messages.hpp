#pragma once
// The parts of an OnnxModel as protobuf messages.

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "rival/io/onnx/wire.hpp"
#include "rival/io/onnx_model.hpp"

namespace rival::internal {

inline std::string onnx_bytes(const OnnxTensor& tensor) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  for (const Index extent : tensor.shape) out.add_int64(1, extent);
  std::visit(
      [&]<class T>(const std::vector<T>& values) {
        out.add_int32(2, std::is_same_v<T, float> ? onnx_float : std::is_same_v<T, double> ? onnx_double : onnx_int64);
        out.add_string(8, tensor.name);
        out.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
      },
      tensor.values);
  return bytes;
}

inline std::string onnx_bytes(const std::string& name, const OnnxAttribute& attribute) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(1, name);
  const auto type = [&](OnnxAttributeType t) { out.add_enum(20, static_cast<std::int32_t>(t)); };
  std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::is_same_v<T, float>) {
          out.add_float(2, value), type(OnnxAttributeType::number);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          out.add_int64(3, value), type(OnnxAttributeType::whole);
        } else if constexpr (std::is_same_v<T, std::string>) {
          out.add_string(4, value), type(OnnxAttributeType::text);
        } else if constexpr (std::is_same_v<T, OnnxTensor>) {
          out.add_message(5, onnx_bytes(value)), type(OnnxAttributeType::tensor);
        } else if constexpr (std::is_same_v<T, std::vector<float>>) {
          for (const float v : value) out.add_float(7, v);
          type(OnnxAttributeType::numbers);
        } else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
          for (const std::int64_t v : value) out.add_int64(8, v);
          type(OnnxAttributeType::wholes);
        } else {
          for (const std::string& v : value) out.add_string(9, v);
          type(OnnxAttributeType::texts);
        }
      },
      attribute);
  return bytes;
}

inline std::string onnx_bytes(const OnnxNode& node) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  for (const std::string& name : node.inputs) out.add_string(1, name);
  for (const std::string& name : node.outputs) out.add_string(2, name);
  out.add_string(3, node.name);
  out.add_string(4, node.op);
  for (const auto& [name, attribute] : node.attributes) out.add_message(5, onnx_bytes(name, attribute));
  if (!node.domain.empty()) out.add_string(7, node.domain);
  return bytes;
}

inline std::string onnx_bytes(const OnnxValue& value) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_string(1, value.name);
  {  // what a writer of a part holds is whole when it is gone
    protozero::pbf_writer type(out, 2);
    protozero::pbf_writer tensor(type, 1);
    tensor.add_int32(1, value.whole_numbers ? onnx_int64 : onnx_float);
    protozero::pbf_writer shape(tensor, 2);
    for (const OnnxExtent& extent : value.extents) {
      protozero::pbf_writer dim(shape, 1);
      if (extent.name.empty())
        dim.add_int64(1, extent.size);
      else
        dim.add_string(2, extent.name);
    }
  }
  return bytes;
}

}  // namespace rival::internal
