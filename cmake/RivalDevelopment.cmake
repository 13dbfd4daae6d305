# rival_development: how this project's own tests, examples and benchmarks are compiled; rival_warnings is the part of it
# that goes with any processor. Nothing here reaches a user.
include(CheckCXXCompilerFlag)

add_library(rival_warnings INTERFACE)
add_library(rival_development INTERFACE)
target_link_libraries(rival_development INTERFACE rival_warnings)

if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(rival_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 is wrong about what the tests write: it takes an options struct that an exception abandons halfway for
    # uninitialised, AVX-512 intrinsics inlined through Eigen too (GCC bug 105593), and "text" + std::string for a copy of
    # too many bytes (bug 105651). A user's code is compiled without these, by tests/packaging and tests/readme.
    target_compile_options(rival_warnings INTERFACE
      -Wno-maybe-uninitialized -Wno-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
      -Wno-array-bounds)
  endif()
  if(RIVAL_WERROR)
    target_compile_options(rival_warnings INTERFACE -Werror)
  endif()
endif()

if(RIVAL_NATIVE)
  check_cxx_compiler_flag(-march=native RIVAL_HAS_MARCH_NATIVE)
  check_cxx_compiler_flag(-mcpu=native RIVAL_HAS_MCPU_NATIVE)  # what older Clangs call it on ARM
  if(RIVAL_HAS_MARCH_NATIVE)
    target_compile_options(rival_development INTERFACE -march=native)
  elseif(RIVAL_HAS_MCPU_NATIVE)
    target_compile_options(rival_development INTERFACE -mcpu=native)
  endif()
endif()

# The digits in the repository, so that examples and tests find them from any working directory.
target_compile_definitions(rival_development INTERFACE
  "RIVAL_MNIST_DIR=\"${PROJECT_SOURCE_DIR}/examples/data/mnist\"")
