#pragma once
// Every way to cut a file short, and every bit of its beginning turned.

#include <cstddef>
#include <string>
#include <utility>

#include "allocations.hpp"
#include "rival/core/error.hpp"

namespace rival_test {

/// What became of the damaged files.
struct Damaged {
  int refused = 0, read = 0;
  std::size_t most_bytes = 0;  ///< of memory that was asked for while one file was read
};

namespace internal {

template <class Read>
void try_damaged(const std::string& bytes, const Read& read, Damaged& damaged) {
  const std::size_t before = allocated_bytes;
  try {
    read(bytes);
    ++damaged.read;
  } catch (const rival::Error&) {
    ++damaged.refused;
  }
  damaged.most_bytes = std::max(damaged.most_bytes, allocated_bytes - before);
}

}  // namespace internal

/// read(bytes) of the first 0, 1, ... bytes of a file, all but the whole. What it throws beside Error is thrown on.
template <class Read>
Damaged cut_everywhere(const std::string& whole, const Read& read) {
  Damaged damaged;
  for (std::size_t length = 0; length < whole.size(); ++length)
    internal::try_damaged(whole.substr(0, length), read, damaged);
  return damaged;
}

/// read(bytes) of the file with one bit of its first `header` bytes turned, and with each of these bytes set to 0 and
/// 255.
template <class Read>
Damaged flip_everywhere(const std::string& whole, std::size_t header, const Read& read) {
  Damaged damaged;
  for (std::size_t at = 0; at < header; ++at) {
    const auto try_byte = [&](int byte) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(byte);
      if (bytes != whole) internal::try_damaged(bytes, read, damaged);
    };
    for (int bit = 0; bit < 8; ++bit) try_byte(static_cast<unsigned char>(whole[at]) ^ 1 << bit);
    try_byte(0);
    try_byte(255);
  }
  return damaged;
}

}  // namespace rival_test
