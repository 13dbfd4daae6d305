// Networks of any kind, from safetensors files.
#include "fuzz.hpp"

#include <string>

#include "rival/io/network_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] {
    const auto file = rival::Safetensors::parse(std::string(rival_test::text_of(data, size)));
    rival_test::may_throw_error([&] { rival::load_generator(file); });
    rival_test::may_throw_error([&] { rival::load_discriminator(file); });
    rival_test::may_throw_error([&] { rival::load_network(file); });
  });
}
