#pragma once
// A program whose files were compiled for different processors is stopped at its start, before it crashes.
//
// The linker keeps one of all copies of an inline function. From files of different -march that may be one with
// instructions that the processor does not have, or one that takes memory to be aligned in another way than the caller
// did: an illegal instruction or a segmentation fault, far from its cause, as users of Eigen know.

#include <cstdio>
#include <cstdlib>

namespace rival::internal {

/// The widest vectors that a file was compiled for, as a name for people, and with them whether products are fused.
struct InstructionSet {
  const char* name;
  int id;
};

/// This file's.
constexpr InstructionSet instruction_set() {
#ifdef __FMA__
  constexpr int fused = 1;
#else
  constexpr int fused = 0;
#endif
#if defined(EIGEN_DONT_VECTORIZE)
  return {"no vectors", 2 + fused};
#elif defined(__AVX512F__)
  return {"AVX-512", 4 + fused};
#elif defined(__AVX2__)
  return {"AVX2", 6 + fused};
#elif defined(__AVX__)
  return {"AVX", 8 + fused};
#elif defined(__SSE4_1__)
  return {"SSE4", 10 + fused};
#elif defined(__SSE2__)
  return {"SSE2", 12 + fused};
#else
  return {"this processor family", 14 + fused};
#endif
}

// Each file has one; the linker keeps one of all. It is hidden, so that the libraries that a process loads do not share
// it: each of them has functions of its own.
#if defined(__GNUC__) && !defined(_WIN32)
__attribute__((visibility("hidden")))
#endif
inline InstructionSet program_instruction_set = instruction_set();

/// Ends the program unless `file`, a file's own, is that of all.
inline void require_instruction_set(const InstructionSet& file) {
  if (file.id == program_instruction_set.id) return;
  std::fprintf(stderr,
               "rival: expected all files of a program to be compiled for the same processor, got some for %s and some "
               "for %s: give all of them the same -march\n",
               program_instruction_set.name, file.name);
  std::_Exit(EXIT_FAILURE);  // before anything of the program has begun
}

/// Asks, once for each file, before main begins.
[[maybe_unused]] static const bool checked_instruction_set = (require_instruction_set(instruction_set()), true);

}  // namespace rival::internal
