#pragma once
// ONNX files: protobuf messages, read and written as OnnxModel. Needs protozero (rival::protozero).
//
// The numbers of the fields are those of onnx.proto (https://github.com/onnx/onnx).

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "rival/core/file.hpp"
#include "rival/core/mapped_file.hpp"
#include "rival/io/onnx_model.hpp"

namespace rival {

namespace internal {

static_assert(std::endian::native == std::endian::little,
              "ONNX's raw numbers are little-endian, as this machine must be");

// Elements' types, and attributes', as ONNX numbers them.
inline constexpr std::int32_t onnx_float = 1, onnx_uint8 = 2, onnx_int32 = 6, onnx_int64 = 7, onnx_bool = 9,
                              onnx_double = 11;
enum class OnnxAttributeType { number = 1, whole = 2, text = 3, tensor = 4, numbers = 6, wholes = 7, texts = 8 };

// ---- writing

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

// ---- reading

// A field's number and how its value is coded. A field that has the number of a known one and another coding is skipped
// as one of another kind would be: protozero asserts the coding of what it is asked for.
constexpr std::uint32_t wire_varint(protozero::pbf_tag_type number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::varint);
}
constexpr std::uint32_t wire_bytes(protozero::pbf_tag_type number) {  // texts, messages and packed lists
  return protozero::tag_and_type(number, protozero::pbf_wire_type::length_delimited);
}
constexpr std::uint32_t wire_fixed32(protozero::pbf_tag_type number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed32);
}
constexpr std::uint32_t wire_fixed64(protozero::pbf_tag_type number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed64);
}

template <class T, class Range>
void append_all(std::vector<T>& to, const Range& values) {
  for (const auto value : values) to.push_back(static_cast<T>(value));
}

/// The values of a tensor that are given as raw bytes. Throws Error unless these are `count` Ts.
template <class From, class To>
std::vector<To> raw_values(std::string_view bytes, Index count, const std::string& what, const OnnxTensor& tensor) {
  require(bytes.size() / sizeof(From) == static_cast<std::size_t>(count) && bytes.size() % sizeof(From) == 0, what,
          ": tensor \"", tensor.name, "\": expected ", tensor.shape, " values of ", sizeof(From), " bytes, got ",
          bytes.size(), " bytes");
  std::vector<To> values(static_cast<std::size_t>(count));
  if constexpr (std::is_same_v<From, To>) {
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      From value;
      std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
      values[i] = static_cast<To>(value);
    }
  }
  return values;
}

inline OnnxTensor onnx_tensor(protozero::pbf_reader in, const std::string& what) {
  OnnxTensor tensor;
  std::vector<std::int64_t> extents, wholes;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::int32_t type = 0;
  bool raw_given = false, external = false;
  std::string_view raw;
  while (in.next()) switch (in.tag_and_type()) {
      case wire_bytes(1):
        append_all(extents, in.get_packed_int64());
        break;
      case wire_varint(1):
        extents.push_back(in.get_int64());
        break;
      case wire_varint(2):
        type = in.get_int32();
        break;
      case wire_bytes(4):
        append_all(floats, in.get_packed_float());
        break;
      case wire_fixed32(4):
        floats.push_back(in.get_float());
        break;
      case wire_bytes(5):
        append_all(wholes, in.get_packed_int32());
        break;
      case wire_varint(5):
        wholes.push_back(in.get_int32());
        break;
      case wire_bytes(7):
        append_all(wholes, in.get_packed_int64());
        break;
      case wire_varint(7):
        wholes.push_back(in.get_int64());
        break;
      case wire_bytes(8):
        tensor.name = in.get_string();
        break;
      case wire_bytes(9): {
        const auto view = in.get_view();
        raw = {view.data(), view.size()};
        raw_given = true;
        break;
      }
      case wire_bytes(10):
        append_all(doubles, in.get_packed_double());
        break;
      case wire_fixed64(10):
        doubles.push_back(in.get_double());
        break;
      case wire_bytes(13):
        external = true;
        in.skip();
        break;
      case wire_varint(14):
        if (in.get_enum() == 1) external = true;
        break;
      default:
        in.skip();
    }
  require(!external, what, ": tensor \"", tensor.name, "\" lies in another file, which is not read");
  require(extents.size() <= static_cast<std::size_t>(Shape::max_rank), what, ": tensor \"", tensor.name, "\": at most ",
          Shape::max_rank, " axes, got ", extents.size());
  for (const std::int64_t extent : extents) {
    const Index size = tensor.shape.size();
    require(extent >= 0 && (size == 0 || extent <= std::numeric_limits<Index>::max() / size), what, ": tensor \"",
            tensor.name, "\": its extent ", extent, " is no size");
    tensor.shape.push_back(static_cast<Index>(extent));
  }
  const Index count = tensor.shape.size();
  const auto listed = [&](auto& values) {
    require(static_cast<std::size_t>(count) == values.size(), what, ": tensor \"", tensor.name, "\": expected ",
            tensor.shape, " values, got ", values.size());
    return std::move(values);
  };
  if (type == onnx_float)
    tensor.values = raw_given ? raw_values<float, float>(raw, count, what, tensor) : listed(floats);
  else if (type == onnx_double)
    tensor.values = raw_given ? raw_values<double, double>(raw, count, what, tensor) : listed(doubles);
  else if (type == onnx_int64)
    tensor.values = raw_given ? raw_values<std::int64_t, std::int64_t>(raw, count, what, tensor) : listed(wholes);
  else if (type == onnx_int32)
    tensor.values = raw_given ? raw_values<std::int32_t, std::int64_t>(raw, count, what, tensor) : listed(wholes);
  else if (type == onnx_bool || type == onnx_uint8)
    tensor.values = raw_given ? raw_values<std::uint8_t, std::int64_t>(raw, count, what, tensor) : listed(wholes);
  else
    fail(what, ": tensor \"", tensor.name, "\": expected elements of type float, double, int32, int64, uint8 or bool, ",
         "got ONNX's type number ", type);
  return tensor;
}

inline std::pair<std::string, OnnxAttribute> onnx_attribute(protozero::pbf_reader in, const std::string& what) {
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
  fail(what, ": attribute \"", name, "\": expected numbers, texts or a tensor, got ONNX's type number ", type);
}

inline OnnxNode onnx_node(protozero::pbf_reader in, const std::string& what) {
  OnnxNode node;
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
      case wire_bytes(5): {
        auto [name, attribute] = onnx_attribute(in.get_message(), what);
        require(node.attributes.emplace(name, std::move(attribute)).second, what, ": node \"", node.name,
                "\": the attribute \"", name, "\" is given twice");
        break;
      }
      case wire_bytes(7):
        node.domain = in.get_string();
        break;
      default:
        in.skip();
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
  require(type == onnx_float || type == onnx_double || type == onnx_int64, what, ": \"", value.name,
          "\": expected an input or output of type float, double or int64, got ONNX's type number ", type);
  value.whole_numbers = type == onnx_int64;
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
        model.initialisers.push_back(onnx_tensor(in.get_message(), what));
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

}  // namespace internal

/// The model as the bytes of an ONNX file.
inline std::string onnx_bytes(const OnnxModel& model) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_int64(1, model.ir_version);
  out.add_string(2, model.producer);
  {
    protozero::pbf_writer graph(out, 7);
    for (const OnnxNode& node : model.nodes) graph.add_message(1, internal::onnx_bytes(node));
    graph.add_string(2, model.graph);
    for (const OnnxTensor& tensor : model.initialisers) graph.add_message(5, internal::onnx_bytes(tensor));
    for (const OnnxValue& value : model.inputs) graph.add_message(11, internal::onnx_bytes(value));
    for (const OnnxValue& value : model.outputs) graph.add_message(12, internal::onnx_bytes(value));
  }
  {
    protozero::pbf_writer opset(out, 8);
    opset.add_string(1, "");
    opset.add_int64(2, model.opset);
  }
  for (const auto& [key, value] : model.metadata) {
    protozero::pbf_writer entry(out, 14);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  return bytes;
}

/// The model in the bytes of an ONNX file; errors begin with `what`. Throws Error for bytes that are no such file, and
/// for what is not read: weights in other files, sparse tensors, types other than float, double and whole numbers.
inline OnnxModel parse_onnx(std::string_view bytes, const std::string& what = "ONNX model") {
  OnnxModel model;
  model.ir_version = model.opset = 0;
  bool graph = false;
  try {
    protozero::pbf_reader in(bytes.data(), bytes.size());
    while (in.next()) switch (in.tag_and_type()) {
        case internal::wire_varint(1):
          model.ir_version = in.get_int64();
          break;
        case internal::wire_bytes(2):
          model.producer = in.get_string();
          break;
        case internal::wire_bytes(7):
          require(!graph, what, ": it has two graphs");
          graph = true;
          internal::read_onnx_graph(in.get_message(), model, what);
          break;
        case internal::wire_bytes(8): {
          const auto [domain, opset] = internal::read_onnx_pair(in.get_message());
          if (domain.empty() || domain == "ai.onnx") model.opset = opset.second;
          break;
        }
        case internal::wire_bytes(14): {
          const auto [key, value] = internal::read_onnx_pair(in.get_message());
          model.metadata[key] = value.first;
          break;
        }
        default:
          in.skip();
      }
  } catch (const protozero::exception& error) {
    fail(what, ": it is damaged or no ONNX file (", error.what(), ")");
  }
  require(graph && model.opset > 0, what, ": it is damaged or no ONNX file (it has no ", graph ? "opset" : "graph",
          ")");
  return model;
}

/// The same of a file.
inline OnnxModel read_onnx(const std::filesystem::path& path) {
  internal::require_file("ONNX file", path);
  const MappedFile file(path);
  return parse_onnx({reinterpret_cast<const char*>(file.data()), file.size()},
                    internal::concatenate("ONNX file ", path));
}

/// Writes the model. Throws Error, and leaves an earlier file as it was, when it cannot; protobuf's messages end at
/// 2 GB.
inline void write_onnx(const std::filesystem::path& path, const OnnxModel& model) {
  double size = 0;  // of the weights, which are nearly all of it
  for (const OnnxTensor& tensor : model.initialisers)
    std::visit([&](const auto& values) { size += static_cast<double>(values.size() * sizeof(values[0])); },
               tensor.values);
  require(size < 0x1p31 - 0x1p24, "cannot write ", path, ": an ONNX file has at most 2 GB, this one's weights alone ",
          "would be ", size, " bytes");
  const std::string bytes = onnx_bytes(model);
  replace_file(path, bytes);
}

}  // namespace rival
