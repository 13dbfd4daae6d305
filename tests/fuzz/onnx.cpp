#include "fuzz.hpp"

#include "rival/io/onnx_import.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error(
      [&] { rival::network_from_onnx<float>(rival::parse_onnx(rival_test::text_of(data, size))); });
}
