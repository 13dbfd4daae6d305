#pragma once
// CRC-32C: the checksum of TFRecord files.

#include <array>
#include <cstdint>
#include <string_view>

namespace rival::internal {

/// CRC-32C (Castagnoli; RFC 3720, section 12.1): polynomial 0x1EDC6F41, bits reversed, eight bits at a time.
inline std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      rows[i] = i;
      for (int bit = 0; bit < 8; ++bit) rows[i] = rows[i] >> 1 ^ (rows[i] & 1 ? 0x82F63B78 : 0);
    }
    return rows;
  }();
  std::uint32_t sum = 0xFFFFFFFF;
  for (const char byte : bytes) sum = sum >> 8 ^ table[(sum ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~sum;
}

}  // namespace rival::internal
