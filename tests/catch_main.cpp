// The main function of every test program, for Catch2 2.13 and 3.

// Tests that the bits do not depend on the number of threads ask for more than the machine may have cores.
#include "rival/core/parallel.hpp"

static const bool more_threads_than_cores = [] {
  rival::internal::most_threads() = 64;
  return true;
}();

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>

int main(int count, char* arguments[]) { return Catch::Session().run(count, arguments); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
