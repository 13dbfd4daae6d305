// The first byte says how much is asked for at once.
#include "fuzz.hpp"

#include <algorithm>
#include <vector>

#include "rival/data/gzip.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return rival_test::may_throw_error([&] {
    if (size == 0) return;
    const std::string_view packed = rival_test::text_of(data + 1, size - 1);
    const std::size_t chunk = std::size_t{1} << (data[0] % 16), start = std::min<std::size_t>(packed.size(), 4);
    rival::internal::MemorySource memory(packed.substr(start));
    rival::internal::Gunzip gunzip(memory, packed.substr(0, start), "gzip");
    std::vector<char> out(chunk);
    std::size_t all = 0;
    while (const std::size_t got = gunzip.read(out.data(), chunk)) all += got;
    rival_test::expect(all / rival::internal::most_that_deflate_packs <= size);
  });
}
