#pragma once
// Replaces the program's operator new by one that counts. To be included by one file of a test program.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace rival_test {

/// How often memory was asked for since the program began.
inline std::atomic<long> allocations{0};

inline void* count_and_allocate(std::size_t size, std::size_t alignment) noexcept {
  ++allocations;
  return std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
}

inline void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace rival_test

void* operator new(std::size_t size) {
  return rival_test::or_throw(rival_test::count_and_allocate(size, alignof(std::max_align_t)));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return rival_test::or_throw(rival_test::count_and_allocate(size, static_cast<std::size_t>(alignment)));
}
// The standard library's own call the above; the address sanitizer's do not.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return rival_test::count_and_allocate(size, alignof(std::max_align_t));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
