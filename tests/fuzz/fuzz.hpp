#pragma once
// What the fuzz targets share. A target is a file with one function, LLVMFuzzerTestOneInput, that gives bytes to a
// reader. The reader may throw rival::Error; every other exception, and bad_alloc above all, is a finding.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "rival/core/error.hpp"

namespace rival_test {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program: what was read is not what it has to be.
inline void expect(bool condition) {
  if (!condition) std::abort();
}

template <class Read>
int may_throw_error(Read read) {
  try {
    read();
  } catch (const rival::Error&) {
  }
  return 0;
}

}  // namespace rival_test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
