#pragma once
// Eigen's core, with one false alarm silenced.

// g++ 12 takes the operand that AVX-512 intrinsics leave undefined on purpose for an uninitialised variable (its bug
// 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop
#else
#include <Eigen/Core>
#endif

#include "rival/core/instruction_set.hpp"
