#pragma once
// The other messages of an ONNX file as parts of an OnnxModel: attributes, nodes, inputs and outputs, the graph.

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <utility>
#include <vector>

#include "rival/io/onnx/read_tensor.hpp"
#include "rival/io/onnx/wire.hpp"
#include "rival/io/onnx_model.hpp"

namespace rival::internal {

inline std::pair<std::string, OnnxAttribute> onnx_attribute(protozero::pbf_reader in, const OnnxPlaceInFile& what) {
  std::string name, text;
  float number = 0;
  std::int64_t whole = 0;
  std::vector<float> numbers;
  std::vector<std::int64_t> wholes;
  std::vector<std::string> texts;
  OnnxTensor tensor;
  std::int32_t type = 0;
  while (in.next()) switch (in.tag_and_type()) {
      case wire_bytes(1):
        name = in.get_string();
        break;
      case wire_fixed32(2):
        number = in.get_float();
        break;
      case wire_varint(3):
        whole = in.get_int64();
        break;
      case wire_bytes(4):
        text = in.get_string();
        break;
      case wire_bytes(5):
        tensor = onnx_tensor(in.get_message(), what);
        break;
      case wire_bytes(7):
        append_all(numbers, in.get_packed_float());
        break;
      case wire_fixed32(7):
        numbers.push_back(in.get_float());
        break;
      case wire_bytes(8):
        append_all(wholes, in.get_packed_int64());
        break;
      case wire_varint(8):
        wholes.push_back(in.get_int64());
        break;
      case wire_bytes(9):
        texts.push_back(in.get_string());
        break;
      case wire_varint(20):
        type = in.get_enum();
        break;
      default:
        in.skip();
    }
  switch (static_cast<OnnxAttributeType>(type)) {
    case OnnxAttributeType::number:
      return {name, number};
    case OnnxAttributeType::whole:
      return {name, whole};
    case OnnxAttributeType::text:
      return {name, text};
    case OnnxAttributeType::tensor:
      return {name, std::move(tensor)};
    case OnnxAttributeType::numbers:
      return {name, std::move(numbers)};
    case OnnxAttributeType::wholes:
      return {name, std::move(wholes)};
    case OnnxAttributeType::texts:
      return {name, std::move(texts)};
  }
  fail(what, "its attribute \"", name, "\": expected numbers, texts or a tensor, got ",
       type == 5 ? "a graph" : "something else");
}

inline OnnxNode onnx_node(protozero::pbf_reader in, const std::string& what) {
  OnnxNode node;
  std::vector<protozero::pbf_reader> attributes;  // for which errors are to name the node, whose name may come later
  while (in.next()) switch (in.tag_and_type()) {
      case wire_bytes(1):
        node.inputs.push_back(in.get_string());
        break;
      case wire_bytes(2):
        node.outputs.push_back(in.get_string());
        break;
      case wire_bytes(3):
        node.name = in.get_string();
        break;
      case wire_bytes(4):
        node.op = in.get_string();
        break;
      case wire_bytes(5):
        attributes.push_back(in.get_message());
        break;
      case wire_bytes(7):
        node.domain = in.get_string();
        break;
      default:
        in.skip();
    }
  require(!node.op.empty(), what, ": node \"", node.name, "\" has no operator");
  const OnnxPlaceInFile place{what, &node};
  for (const protozero::pbf_reader& message : attributes) {
    auto [name, attribute] = onnx_attribute(message, place);
    require(node.attributes.emplace(name, std::move(attribute)).second, place, "the attribute \"", name,
            "\" is given twice");
  }
  return node;
}

inline OnnxExtent onnx_extent(protozero::pbf_reader in) {
  OnnxExtent extent;
  while (in.next()) switch (in.tag_and_type()) {
      case wire_varint(1):
        extent.size = static_cast<Index>(in.get_int64());
        break;
      case wire_bytes(2):
        extent.name = in.get_string();
        break;
      default:
        in.skip();
    }
  return extent;
}

/// The type of a tensor that is an input or output: that of its elements, which it returns, and its extents.
inline std::int32_t read_onnx_type(protozero::pbf_reader in, std::vector<OnnxExtent>& extents) {
  std::int32_t type = 0;
  while (in.next()) switch (in.tag_and_type()) {
      case wire_varint(1):
        type = in.get_int32();
        break;
      case wire_bytes(2): {
        protozero::pbf_reader shape = in.get_message();
        while (shape.next(1, protozero::pbf_wire_type::length_delimited))
          extents.push_back(onnx_extent(shape.get_message()));
        break;
      }
      default:
        in.skip();
    }
  return type;
}

inline OnnxValue onnx_value(protozero::pbf_reader in, const std::string& what) {
  OnnxValue value;
  std::int32_t type = 0;
  while (in.next()) switch (in.tag_and_type()) {
      case wire_bytes(1):
        value.name = in.get_string();
        break;
      case wire_bytes(2): {
        protozero::pbf_reader kind = in.get_message();
        while (kind.next(1, protozero::pbf_wire_type::length_delimited))
          type = read_onnx_type(kind.get_message(), value.extents);
        break;
      }
      default:
        in.skip();
    }
  require(type == onnx_float || type == onnx_double || type == onnx_int64 || type == onnx_int32, what, ": \"",
          value.name, "\": expected an input or output of type float, double, int64 or int32, got ",
          onnx_type_name(type));
  value.whole_numbers = type == onnx_int64 || type == onnx_int32;
  return value;
}

/// A message of a name (1) and a value (2), which is a text or a number.
inline std::pair<std::string, std::pair<std::string, std::int64_t>> read_onnx_pair(protozero::pbf_reader in) {
  std::pair<std::string, std::pair<std::string, std::int64_t>> pair;
  while (in.next()) switch (in.tag_and_type()) {
      case wire_bytes(1):
        pair.first = in.get_string();
        break;
      case wire_bytes(2):
        pair.second.first = in.get_string();
        break;
      case wire_varint(2):
        pair.second.second = in.get_int64();
        break;
      default:
        in.skip();
    }
  return pair;
}

inline void read_onnx_graph(protozero::pbf_reader in, OnnxModel& model, const std::string& what) {
  while (in.next()) switch (in.tag_and_type()) {
      case wire_bytes(1):
        model.nodes.push_back(onnx_node(in.get_message(), what));
        break;
      case wire_bytes(2):
        model.graph = in.get_string();
        break;
      case wire_bytes(5):
        model.initialisers.push_back(onnx_tensor(in.get_message(), {what}));
        break;
      case wire_bytes(11):
        model.inputs.push_back(onnx_value(in.get_message(), what));
        break;
      case wire_bytes(12):
        model.outputs.push_back(onnx_value(in.get_message(), what));
        break;
      case wire_bytes(15):
        fail(what, ": it has sparse tensors, which are not read");
      default:
        in.skip();
    }
}

}  // namespace rival::internal
