#pragma once
// Eigen's eigenvalues, with the false alarm of rival/core/eigen.hpp silenced.

#include "rival/core/eigen.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Eigenvalues>
#pragma GCC diagnostic pop
#else
#include <Eigen/Eigenvalues>
#endif
