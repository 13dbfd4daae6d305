#include "fuzz.hpp"

#include "rival/data/idx.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] {
    const rival::IdxArray array = rival::parse_idx(rival_test::text_of(data, size));
    rival_test::expect(array.values<double>().size() * static_cast<std::size_t>(rival::idx_size(array.type)) ==
                       array.bytes.size());
  });
}
