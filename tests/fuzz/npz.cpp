#include "fuzz.hpp"

#include "rival/io/npz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] { rival::parse_npz(rival_test::text_of(data, size)); });
}
