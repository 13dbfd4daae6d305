#pragma once
// Alphabet: characters as symbols, and symbols as text again.

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/core/labels.hpp"

namespace rival {

namespace internal {

inline constexpr char32_t no_character = 0xffffffff;

/// Takes the first code point off a text of UTF-8; `no_character` where it is broken: a byte that begins none, a
/// missing or an overlong piece, a surrogate, more than U+10FFFF.
inline char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc0 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf8 ? 4
                                          : 0;
  if (size == 0 || text.size() < size) return no_character;
  char32_t point = size == 1 ? first : first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return no_character;
    point = point << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (point < least[size] || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff) return no_character;
  text.remove_prefix(size);
  return point;
}

/// The code points of a text of UTF-8. False where it is broken.
inline bool characters_of(std::string_view text, std::u32string& points) {
  points.clear();
  while (!text.empty()) {
    const char32_t point = take_character(text);
    if (point == no_character) return false;
    points += point;
  }
  return true;
}

inline void append_utf8(std::string& text, char32_t point) {
  const auto piece = [&](unsigned high, int shift) {
    text += static_cast<char>(high | ((point >> shift) & (high == 0x80 ? 0x3f : 0x7f)));
  };
  if (point < 0x80) return piece(0, 0);
  if (point < 0x800) return piece(0xc0, 6), piece(0x80, 0);
  if (point < 0x10000) return piece(0xe0, 12), piece(0x80, 6), piece(0x80, 0);
  piece(0xf0, 18), piece(0x80, 12), piece(0x80, 6), piece(0x80, 0);
}

}  // namespace internal

/// The characters that lines are made of. A character is a code point of Unicode, texts are UTF-8. Symbol 0 is the
/// padding behind a line's end, symbol k the k-th character:
///
///     const Alphabet letters("abc");
///     letters.tokens("cab", 5);   // 3 1 2 0 0
class Alphabet {
 public:
  /// Throws Error for no character, for one that comes twice, for a line's end, for more than 65,535, and for what is
  /// no UTF-8.
  explicit Alphabet(std::string_view characters) {
    require(internal::characters_of(characters, characters_), "alphabet: expected UTF-8, got broken text");
    require(!characters_.empty() && static_cast<Index>(characters_.size()) < most_classes, "alphabet: expected 1 to ",
            most_classes - 1, " characters, got ", characters_.size());
    for (std::size_t i = 0; i < characters_.size(); ++i) {
      require(characters_[i] != U'\n' && characters_[i] != U'\r',
              "alphabet: expected no line's end among its characters");
      const bool first = symbols_.emplace(characters_[i], static_cast<Label>(i + 1)).second;
      require(first, "alphabet: expected each character once, got '", text_of(characters_[i]), "' twice");
    }
  }

  /// Number of symbols: the characters and the padding.
  Index symbols() const { return static_cast<Index>(characters_.size()) + 1; }
  /// All characters, as text.
  std::string characters() const {
    std::string text;
    for (const char32_t point : characters_) internal::append_utf8(text, point);
    return text;
  }

  /// The symbol of a character; 0 for one that is not in the alphabet.
  Label symbol(char32_t character) const {
    const auto found = symbols_.find(character);
    return found == symbols_.end() ? Label{0} : found->second;
  }

  /// The symbols of a line, padded to `length`. Throws Error for a line that is longer, and for other characters.
  std::vector<Label> tokens(std::string_view line, Index length) const {
    std::u32string points;
    require(internal::characters_of(line, points), "alphabet: expected UTF-8, got a broken line");
    require(static_cast<Index>(points.size()) <= length, "alphabet: expected at most ", length, " characters, got ",
            points.size(), " in ", line);
    std::vector<Label> symbols(static_cast<std::size_t>(length));
    for (std::size_t i = 0; i < points.size(); ++i) {
      symbols[i] = symbol(points[i]);
      require(symbols[i] != 0, "alphabet: expected its own characters, got '", text_of(points[i]), "' in ", line);
    }
    return symbols;
  }

  /// The line that symbols stand for: without the padding at its end; padding elsewhere, which lines do not have but
  /// samples may, is shown as `gap`. Throws Error for a symbol that there is not.
  std::string text(std::span<const Label> symbols, std::string_view gap = "_") const {
    std::size_t size = symbols.size();
    while (size > 0 && symbols[size - 1] == 0) --size;
    std::string line;
    for (const Label one : symbols.first(size)) {
      require(one < this->symbols(), "alphabet: expected symbols below ", this->symbols(), ", got ", one);
      if (one == 0)
        line += gap;
      else
        internal::append_utf8(line, characters_[one - 1u]);
    }
    return line;
  }

 private:
  static std::string text_of(char32_t point) {
    std::string text;
    internal::append_utf8(text, point);
    return text;
  }

  std::u32string characters_;
  std::map<char32_t, Label> symbols_;
};

}  // namespace rival
