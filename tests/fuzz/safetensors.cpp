#include "fuzz.hpp"

#include <string>

#include "rival/io/safetensors.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] {
    const auto file = rival::Safetensors::parse(std::string(rival_test::text_of(data, size)));
    for (const std::string& name : file.names())
      rival_test::may_throw_error([&] {  // integers are legal, but no tensors of floats
        rival_test::expect(file.tensor<double>(name).shape() == file.entry(name).shape);
      });
  });
}
