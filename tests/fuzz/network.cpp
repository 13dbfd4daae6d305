// Networks of any kind, from safetensors files.
#include "fuzz.hpp"

#include <string>

#include "rival/io/network_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] {
    const auto file = rival::Safetensors::parse(std::string(rival_test::text_of(data, size)));
    const auto text = file.metadata().find("rival");
    const auto is = [&](const char* role) {
      return text != file.metadata().end() && text->second.find(role) != std::string::npos;
    };
    if (is("\"generator\""))
      rival::load_generator(file);
    else if (is("\"discriminator\""))
      rival::load_discriminator(file);
    else if (is("\"classifier\""))
      rival::load_classifier(file);
    else
      rival::load_network(file);
  });
}
