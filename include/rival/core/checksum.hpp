#pragma once
// Checksum: 64 bits by which content is known again.

#include <cstdint>
#include <cstring>
#include <string_view>

namespace rival::internal {

/// Takes content piece by piece; where one piece ends and the next begins counts. Each step is a bijection of what was
/// before, so that one changed byte always changes the value. Made for accidents, not against forgery: some gigabytes a
/// second.
class Checksum {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(data);
    std::uint64_t lanes[4];  // side by side, as a product takes some cycles
    for (std::uint64_t i = 0; i < 4; ++i) lanes[i] = value_ + i * 0x9E3779B97F4A7C15;
    std::size_t left = bytes;
    for (; left >= sizeof lanes; left -= sizeof lanes, at += sizeof lanes) take(lanes, at);
    if (left > 0) {
      unsigned char rest[sizeof lanes] = {};
      std::memcpy(rest, at, left);
      take(lanes, rest);
    }
    value_ = mixed(value_, bytes);
    for (const std::uint64_t lane : lanes) value_ = mixed(value_, lane);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void add(std::uint64_t number) { value_ = mixed(value_, number); }

  std::uint64_t value() const { return value_; }

 private:
  static std::uint64_t mixed(std::uint64_t value, std::uint64_t word) {
    value = (value ^ word) * 0xbf58476d1ce4e5b9;
    return value ^ (value >> 32);
  }
  static void take(std::uint64_t (&lanes)[4], const unsigned char* from) {
    std::uint64_t words[4];
    std::memcpy(words, from, sizeof words);
    for (int i = 0; i < 4; ++i) lanes[i] = mixed(lanes[i], words[i]);
  }

  std::uint64_t value_ = 0x94d049bb133111eb;
};

}  // namespace rival::internal
