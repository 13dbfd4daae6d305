# What the library's headers list (rival/core/instantiate.hpp), compiled once.
#
# rival_compiled_float, rival_compiled_double: for this project's own programs, of which most would otherwise compile the
# same layers and kernels for a minute each. All files of such a program have the same flags. What stays header-only holds
# that the headers suffice: test_odr, weights_hash, tests/readme, tests/packaging.
#
# rival::compiled: the lists for float as a shared library, for users. Their programs may have other flags: no
# optimisation, another -march. For each of RIVAL_COMPILED_LEVELS (v2;v3;v4) it is there once more, compiled for that
# level of x86-64, in the folder where the dynamic linker of glibc looks for what suits the processor. So the same
# packages are fast on any processor, and code for one never meets that for another, as each library keeps its own.
include(GNUInstallDirs)

set(rival_lists "${CMAKE_CURRENT_LIST_DIR}/compiled")
set(rival_lists_float library_float.cpp kernels_float.cpp metrics_float.cpp)
set(rival_lists_double library_double.cpp kernels_double.cpp)

# rival_compile_lists(<object library> <scalar> <library that tells its flags> [<flag>...])
function(rival_compile_lists objects scalar flags)
  list(TRANSFORM rival_lists_${scalar} PREPEND "${rival_lists}/" OUTPUT_VARIABLE files)
  add_library(${objects} OBJECT EXCLUDE_FROM_ALL ${files})
  target_link_libraries(${objects} PUBLIC rival PRIVATE ${flags})
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  # What Eigen aligns is laid out by a processor's vectors, unless it is told: the widest there are.
  target_compile_definitions(${objects} PRIVATE EIGEN_MAX_ALIGN_BYTES=64)
  target_compile_options(${objects} PRIVATE ${ARGN})
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${objects} PRIVATE -fno-semantic-interposition)  # as if they were not position-independent
  endif()
endfunction()

foreach(scalar IN ITEMS float double)
  string(TOUPPER ${scalar} name)
  rival_compile_lists(rival_lists_${scalar} ${scalar} rival_development)
  add_library(rival_compiled_${scalar} STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:rival_lists_${scalar}>)
  set_target_properties(rival_compiled_${scalar} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(rival_compiled_${scalar} PUBLIC rival::rival)
  target_compile_definitions(rival_compiled_${scalar} PUBLIC RIVAL_COMPILED_${name} EIGEN_MAX_ALIGN_BYTES=64)
endforeach()

# rival_add_compiled(<target> <objects> <folder>)
function(rival_add_compiled target objects folder)
  add_library(${target} SHARED $<TARGET_OBJECTS:${objects}>)
  target_link_libraries(${target} PUBLIC rival)
  target_compile_definitions(${target} INTERFACE RIVAL_COMPILED_FLOAT EIGEN_MAX_ALIGN_BYTES=64)
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE CXX OUTPUT_NAME rival_compiled EXPORT_NAME compiled LIBRARY_OUTPUT_DIRECTORY "${folder}"
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # Its functions call each other, and not those that a program has of the same name, compiled with flags of its own.
    # What they keep (the number of threads, say) is still one for both.
    target_link_options(${target} PRIVATE -Wl,-Bsymbolic-functions)
  endif()
endfunction()

if(RIVAL_COMPILED)
  if(RIVAL_COMPILED_LEVELS)
    # For any processor; the levels are for others.
    rival_compile_lists(rival_lists_any float rival_warnings)
    rival_add_compiled(rival_compiled rival_lists_any "${PROJECT_BINARY_DIR}/compiled")
  else()
    rival_add_compiled(rival_compiled rival_lists_float "${PROJECT_BINARY_DIR}/compiled")
  endif()
  add_library(rival::compiled ALIAS rival_compiled)
  foreach(level IN LISTS RIVAL_COMPILED_LEVELS)
    rival_compile_lists(rival_lists_${level} float rival_warnings -march=x86-64-${level})
    set(folder "glibc-hwcaps/x86-64-${level}")
    rival_add_compiled(rival_compiled_${level} rival_lists_${level} "${PROJECT_BINARY_DIR}/compiled/${folder}")
    if(RIVAL_INSTALL)
      install(TARGETS rival_compiled_${level} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/${folder}" NAMELINK_SKIP)
    endif()
  endforeach()
  if(RIVAL_INSTALL)
    install(TARGETS rival_compiled EXPORT rival-compiled)
    install(EXPORT rival-compiled NAMESPACE rival:: DESTINATION "${rival_package_dir}" ${rival_export_only})
    rival_below_prefix(libdir "${CMAKE_INSTALL_LIBDIR}")
    rival_install_pkg_config(rival-compiled DESCRIPTION "Rival's layers and kernels, compiled"
      REQUIRES "rival = ${PROJECT_VERSION}" VARIABLES "libdir=${libdir}"
      CFLAGS -DRIVAL_COMPILED_FLOAT -DEIGEN_MAX_ALIGN_BYTES=64 LIBS "-L\${libdir}" -lrival_compiled)
  endif()
endif()
