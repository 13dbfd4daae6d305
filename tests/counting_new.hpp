#pragma once
// Replaces the program's operator new, and with glibc its malloc too, by ones that count (allocations.hpp). To be
// included by one file of a test program.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "allocations.hpp"

#if RIVAL_TEST_COUNTS_NEW

// The sanitizers have a malloc of their own, and LLVM's OpenMP calls it for every parallel loop.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define RIVAL_TEST_COUNTS_MALLOC 1
extern "C" {
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* memory, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
void __libc_free(void* memory) noexcept;
}
#endif

namespace rival_test {

/// Counts an allocation; null where it is one that is to fail.
template <class Allocate>
void* count(std::size_t size, const Allocate& allocate) noexcept {
  ++allocations;
  allocated_bytes += size;
  long left = allocations_to_failure;
  while (left > 0 && !allocations_to_failure.compare_exchange_weak(left, left - 1)) {
  }
  void* const memory = left == 1 ? nullptr : allocate();
  if (memory != nullptr) ++live_allocations;
  return memory;
}

inline void* count_aligned(std::size_t size, std::size_t alignment) noexcept {
  return count(size, [&] {
#ifdef RIVAL_TEST_COUNTS_MALLOC
    return __libc_memalign(alignment, size);
#else
    return std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
#endif
  });
}

inline void count_free(void* memory) noexcept {
  if (memory != nullptr) --live_allocations;
#ifdef RIVAL_TEST_COUNTS_MALLOC
  __libc_free(memory);
#else
  std::free(memory);
#endif
}

inline void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace rival_test

// Not inlined, or compilers see only one half of a pair and warn that it does not match the other. The forms for arrays
// call these.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return rival_test::or_throw(rival_test::count_aligned(size, alignof(std::max_align_t)));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return rival_test::or_throw(rival_test::count_aligned(size, static_cast<std::size_t>(alignment)));
}
// The standard library's own call the above; the address sanitizer's do not.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return rival_test::count_aligned(size, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return rival_test::count_aligned(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { rival_test::count_free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { rival_test::count_free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { rival_test::count_free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  rival_test::count_free(memory);
}

#ifdef RIVAL_TEST_COUNTS_MALLOC
// Eigen's temporaries and the C library's own memory come from here.
extern "C" {
void* malloc(std::size_t size) noexcept {
  return rival_test::count(size, [&] { return __libc_malloc(size); });
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return rival_test::count(count * size, [&] { return __libc_calloc(count, size); });
}
void* realloc(void* memory, std::size_t size) noexcept {
  void* const moved = rival_test::count(size, [&] { return __libc_realloc(memory, size); });
  if (memory != nullptr && (moved != nullptr || size == 0)) --rival_test::live_allocations;
  return moved;
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return rival_test::count(size, [&] { return __libc_memalign(alignment, size); });
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  *memory = rival_test::count(size, [&] { return __libc_memalign(alignment, size); });
  return *memory != nullptr ? 0 : ENOMEM;
}
void free(void* memory) noexcept { rival_test::count_free(memory); }
}
#endif

#endif  // RIVAL_TEST_COUNTS_NEW
