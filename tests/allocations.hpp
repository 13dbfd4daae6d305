#pragma once
// What counting_new.hpp counts, and the allocation that it lets fail.

#include <atomic>
#include <cstddef>

// Under Clang's thread sanitizer nothing is counted: its library has an operator new of its own, which cannot be
// replaced.
#define RIVAL_TEST_COUNTS_NEW 1
#if defined(__clang__)
#if __has_feature(thread_sanitizer)
#undef RIVAL_TEST_COUNTS_NEW
#define RIVAL_TEST_COUNTS_NEW 0
#endif
#endif

namespace rival_test {

/// How often memory was asked for since the program began.
inline std::atomic<long> allocations{0};
/// How many bytes were asked for since the program began.
inline std::atomic<std::size_t> allocated_bytes{0};
/// How many allocations have not been given back.
inline std::atomic<long> live_allocations{0};
/// The next allocation but so many fails: 1 is the next one. 0: none.
inline std::atomic<long> allocations_to_failure{0};

/// Lets the `number`-th allocation from here on fail, once, as long as this object lives.
class FailingAllocation {
 public:
  explicit FailingAllocation(long number) { allocations_to_failure = number; }
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation() { allocations_to_failure = 0; }
  /// Whether it has failed.
  bool happened() const { return allocations_to_failure == 0; }
};

}  // namespace rival_test
