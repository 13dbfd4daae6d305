// The main function of every test program, for Catch2 2.13 and 3.
#include "rival/core/parallel.hpp"

// Tests of what must not depend on the number of threads ask for more of them than a small machine has cores.
static const bool any_number_of_threads = (rival::internal::most_threads() = 64, true);

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>

int main(int count, char* arguments[]) { return Catch::Session().run(count, arguments); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
