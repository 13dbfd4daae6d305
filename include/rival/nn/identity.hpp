#pragma once
// Identity: tells objects apart, wherever they are moved.

#include <atomic>
#include <cstdint>
#include <utility>

namespace rival::internal {

/// A number that no other object of the program has had. A move takes it along and leaves none behind.
class Identity {
 public:
  Identity() : number_(next()) {}
  static Identity none() { return Identity(0); }
  Identity(const Identity&) = default;
  Identity& operator=(const Identity&) = default;
  Identity(Identity&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  Identity& operator=(Identity&& other) noexcept {
    number_ = std::exchange(other.number_, 0);
    return *this;
  }

  explicit operator bool() const { return number_ != 0; }
  friend bool operator==(const Identity&, const Identity&) = default;

 private:
  explicit Identity(std::uint64_t number) : number_(number) {}
  static std::uint64_t next() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
  }

  std::uint64_t number_;
};

}  // namespace rival::internal
