#pragma once
// A tensor of an ONNX file: its extents, and its values, listed or as raw bytes.

#include <cstdint>
#include <cstring>
#include <limits>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/io/onnx/wire.hpp"
#include "rival/io/onnx_model.hpp"

namespace rival::internal {

template <class T, class Range>
void append_all(std::vector<T>& to, const Range& values) {
  for (const auto value : values) to.push_back(static_cast<T>(value));
}

/// The values of a tensor that are given as raw bytes. Throws Error unless these are `count` Ts.
template <class From, class To>
std::vector<To> raw_values(std::string_view bytes, Index count, const OnnxPlaceInFile& what, const OnnxTensor& tensor) {
  require(bytes.size() / sizeof(From) == static_cast<std::size_t>(count) && bytes.size() % sizeof(From) == 0, what,
          "tensor \"", tensor.name, "\": expected ", tensor.shape, " values of ", sizeof(From), " bytes, got ",
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

inline OnnxTensor onnx_tensor(protozero::pbf_reader in, const OnnxPlaceInFile& what) {
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
  require(!external, what, "tensor \"", tensor.name, "\" lies in another file, which is not read");
  require(extents.size() <= static_cast<std::size_t>(Shape::max_rank), what, "tensor \"", tensor.name, "\": at most ",
          Shape::max_rank, " axes, got ", extents.size());
  for (const std::int64_t extent : extents) {
    const Index size = tensor.shape.size();
    require(extent >= 0 && (size == 0 || extent <= std::numeric_limits<Index>::max() / size), what, "tensor \"",
            tensor.name, "\": its extent ", extent, " is no size");
    tensor.shape.push_back(static_cast<Index>(extent));
  }
  const Index count = tensor.shape.size();
  const auto listed = [&](auto& values) {
    require(static_cast<std::size_t>(count) == values.size(), what, "tensor \"", tensor.name, "\": expected ",
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
    fail(what, "tensor \"", tensor.name, "\": expected elements of type float, double, int32, int64, uint8 or bool, ",
         "got ", onnx_type_name(type));
  return tensor;
}

}  // namespace rival::internal
