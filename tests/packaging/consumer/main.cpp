#include <rival/rival.hpp>

#ifdef _OPENMP
constexpr bool openmp = true;
#else
constexpr bool openmp = false;
#endif

int main() { return openmp == EXPECT_OPENMP ? 0 : 1; }
