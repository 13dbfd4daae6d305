#pragma once
// Errors: one exception type whose text says what was expected, what came, and where.

#include <sstream>
#include <stdexcept>
#include <string>

namespace rival {

/// Thrown for every misuse that the library can see: wrong shapes, bad options, unreadable files.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace internal {

/// A text that is put together piece by piece. One for which there is no memory throws, where the standard's stream
/// would cut it short without a word.
class TextStream : public std::ostringstream {
 public:
  TextStream() { exceptions(std::ios::badbit); }
};

template <class... Parts>
std::string concatenate(const Parts&... parts) {
  TextStream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace internal

/// Throws an Error whose text is `parts` written one after the other.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(internal::concatenate(parts...));
}

/// Throws as `fail` does unless `condition` holds. The text is only put together on failure.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace rival
