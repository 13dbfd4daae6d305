#pragma once
// What the files that read and write ONNX's messages share: numbers of types, and how fields are coded. Numbers of
// fields are those of onnx.proto (https://github.com/onnx/onnx).

#include <bit>
#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>

namespace rival::internal {

static_assert(std::endian::native == std::endian::little,
              "ONNX's raw numbers are little-endian, as this machine must be");

// Elements' types, and attributes', as ONNX numbers them.
inline constexpr std::int32_t onnx_float = 1, onnx_uint8 = 2, onnx_int32 = 6, onnx_int64 = 7, onnx_bool = 9,
                              onnx_double = 11;
/// The name of a type of elements, for errors.
inline std::string onnx_type_name(std::int32_t type) {
  static const char* const names[] = {"none",   "float",  "uint8",     "int8",       "uint16",  "int16",
                                      "int32",  "int64",  "text",      "bool",       "float16", "double",
                                      "uint32", "uint64", "complex64", "complex128", "bfloat16"};
  return type >= 0 && type < 17 ? names[type] : "number " + std::to_string(type);
}

enum class OnnxAttributeType { number = 1, whole = 2, text = 3, tensor = 4, numbers = 6, wholes = 7, texts = 8 };

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

}  // namespace rival::internal
