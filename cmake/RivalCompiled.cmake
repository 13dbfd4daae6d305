# rival_compiled_float, rival_compiled_double: what the library's headers list (rival/core/instantiate.hpp) in one scalar,
# compiled once for this project's own programs, of which most would otherwise compile the same layers and kernels for a
# minute each. All files of such a program must have the same flags, so nothing of it is offered to users. What stays
# header-only holds that the headers suffice: test_odr, weights_hash, tests/readme, tests/packaging.
foreach(scalar IN ITEMS float double)
  string(TOUPPER ${scalar} name)
  add_library(rival_compiled_${scalar} STATIC EXCLUDE_FROM_ALL
    "${CMAKE_CURRENT_LIST_DIR}/compiled/library_${scalar}.cpp" "${CMAKE_CURRENT_LIST_DIR}/compiled/kernels_${scalar}.cpp")
  target_link_libraries(rival_compiled_${scalar} PUBLIC rival::rival PRIVATE rival_development)
  target_compile_definitions(rival_compiled_${scalar} PUBLIC RIVAL_COMPILED_${name})
endforeach()
target_sources(rival_compiled_float PRIVATE "${CMAKE_CURRENT_LIST_DIR}/compiled/metrics_float.cpp")
