# rival::c, the shared library rival_c: rival/rival.h for C and for the languages that call it.
if(NOT TARGET rival::json)
  message(FATAL_ERROR "rival::c needs nlohmann_json, which was not found (${rival_install_nlohmann_json}). Install it, or "
    "set RIVAL_C=OFF.")
endif()

add_library(rival_c SHARED "${PROJECT_SOURCE_DIR}/include/rival/rival_c.cpp")
add_library(rival::c ALIAS rival_c)
target_link_libraries(rival_c PRIVATE rival rival_json rival_development)
target_include_directories(rival_c INTERFACE
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
set_target_properties(rival_c PROPERTIES
  EXPORT_NAME c VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

# Templates of the standard library are visible in spite of that, and would meet those of the program that loads this one.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(exports "${PROJECT_BINARY_DIR}/cmake/rival_c.map")
  file(WRITE "${exports}" "{ global: rival_*; local: *; };\n")
  target_link_options(rival_c PRIVATE "-Wl,--version-script=${exports}")
  set_target_properties(rival_c PROPERTIES LINK_DEPENDS "${exports}")
endif()

if(RIVAL_INSTALL)
  install(TARGETS rival_c EXPORT rival-c)
  install(EXPORT rival-c NAMESPACE rival:: DESTINATION "${rival_package_dir}" ${rival_export_only})
  rival_below_prefix(libdir "${CMAKE_INSTALL_LIBDIR}")
  rival_install_pkg_config(rival-c DESCRIPTION "Rival's generators for C" VARIABLES "libdir=${libdir}"
    CFLAGS "-I\${includedir}" LIBS "-L\${libdir}" -lrival_c)
endif()
