#pragma once
// Text and pictures in HTML.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rival/core/error.hpp"

namespace rival::internal {

/// Bytes of the UTF-8 character that `text` begins with; 0 if it begins with none (Unicode 15, table 3-7).
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// The text as it may stand between tags and in quoted attributes. What is no UTF-8, and what HTML does not allow
/// (control characters), becomes U+FFFD.
inline std::string html_text(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0 || (first < 0x20 && first != '\t' && first != '\n') || first == 0x7F)
      safe += "\xEF\xBF\xBD";
    else if (first == '&')
      safe += "&amp;";
    else if (first == '<')
      safe += "&lt;";
    else if (first == '>')
      safe += "&gt;";
    else if (first == '"')
      safe += "&quot;";
    else
      safe += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return safe;
}

/// RFC 4648, section 4.
inline std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// What a PNG file says about itself.
struct PngSize {
  std::uint32_t width, height;
};
/// Throws Error unless the bytes begin as a PNG file does.
inline PngSize png_size(std::string_view what, const std::vector<std::uint8_t>& png) {
  constexpr std::string_view begin("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  require(png.size() >= 24 && std::string_view(reinterpret_cast<const char*>(png.data()), begin.size()) == begin, what,
          ": expected the bytes of a PNG file, got ", png.size(), " others");
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | png[i];
    return value;
  };
  return {number(16), number(20)};
}

inline std::string png_uri(const std::vector<std::uint8_t>& png) { return "data:image/png;base64," + base64(png); }

}  // namespace rival::internal
