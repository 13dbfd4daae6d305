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

template <class... Parts>
std::string concatenate(const Parts&... parts) {
  std::ostringstream text;
  text.exceptions(std::ios::badbit);  // or a text for which there is no memory would be cut short without a word
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
