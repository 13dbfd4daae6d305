#pragma once
// Included before all else when the module is compiled by Emscripten, whose SSE intrinsics become WebAssembly's own.

#include <Eigen/src/Core/util/Macros.h>
#include <bit>

// Clang says that it is GCC 4.2, for which Eigen has x86's assembler in place of two intrinsics.
#undef EIGEN_COMP_GNUC
#define EIGEN_COMP_GNUC 0

// Emscripten 3.1.6 comes with a standard library that has no std::bit_cast yet.
#ifndef __cpp_lib_bit_cast
namespace std {
template <class To, class From>
constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}
}  // namespace std
#endif
