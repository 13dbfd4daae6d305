#pragma once
// A word to whoever forgot to let the compiler optimise.

#include <cstdio>

namespace rival::internal {

/// Says on standard error, once a process, that the program was compiled without optimisation (GCC and Clang tell).
/// Every training pass comes by here; in a program that is optimised there is nothing left of it. Define
/// RIVAL_NO_OPTIMISATION_WARNING before Rival's first header to silence it.
inline void warn_unless_optimised() {
#if defined(__GNUC__) && !defined(__OPTIMIZE__) && !defined(RIVAL_NO_OPTIMISATION_WARNING)
  [[maybe_unused]] static const int once = std::fputs(
      "rival: compiled without optimisation, which makes training about a hundred times slower: compile with "
      "-O3 -march=native (CMake: CMAKE_BUILD_TYPE=Release)\n",
      stderr);
#endif
}

}  // namespace rival::internal
