#include "fuzz.hpp"

#include "rival/io/onnx_import.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error(
      [&] { rival::network_from_onnx<float>(rival::parse_onnx(rival_test::text_of(data, size))); });
}

#ifdef RIVAL_FUZZ

#include <cstring>
#include <string>

#include "onnx_mutation.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  try {
    rival::OnnxModel model = rival::parse_onnx(rival_test::text_of(data, size));
    for (unsigned changes = 1 + seed / 4 % 3; changes > 0; --changes)
      rival_test::OnnxMutation(model, seed + changes).apply();
    const std::string bytes = rival::onnx_bytes(model);
    if (bytes.size() > most) return LLVMFuzzerMutate(data, size, most);
    std::memcpy(data, bytes.data(), bytes.size());
    return bytes.size();
  } catch (const rival::Error&) {
    return LLVMFuzzerMutate(data, size, most);
  }
}

#endif
