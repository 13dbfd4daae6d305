# Files for pkg-config: rival.pc, and rival-<component>.pc for each component. They name their folders from where they lie
# themselves, so that what was installed may be moved.
include(GNUInstallDirs)

set(rival_pkg_config_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# rival_install_pkg_config(<name> DESCRIPTION <text> [REQUIRES <module>...] [CFLAGS <flag>...] [LIBS <flag>...]
#   [VARIABLES <name>=<value>...])
function(rival_install_pkg_config name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESCRIPTION" "REQUIRES;CFLAGS;LIBS;VARIABLES")
  if(NOT RIVAL_INSTALL)
    return()
  endif()
  set(description "${arg_DESCRIPTION}")
  list(JOIN arg_REQUIRES ", " requires)
  list(JOIN arg_CFLAGS " " cflags)
  list(JOIN arg_LIBS " " libs)
  list(JOIN arg_VARIABLES "\n" variables)
  file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
  string(REGEX REPLACE "/$" "" up "${up}")
  rival_below_prefix(includedir "${CMAKE_INSTALL_INCLUDEDIR}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/rival.pc.in" "${PROJECT_BINARY_DIR}/cmake/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/cmake/${name}.pc" DESTINATION "${rival_pkg_config_dir}")
endfunction()

# rival_below_prefix(<variable> <folder>): ${prefix}/<folder> for pkg-config, or <folder> where it is absolute.
function(rival_below_prefix variable folder)
  set(path "\${prefix}")
  cmake_path(APPEND path "${folder}")
  set(${variable} "${path}" PARENT_SCOPE)
endfunction()

# rival_include_flags(<variable> <folder>): what a compiler has to be told to look in <folder>, if it is there; nothing
# where it looks by itself.
function(rival_include_flags variable folder)
  set(${variable} "" PARENT_SCOPE)
  if(IS_DIRECTORY "${folder}" AND NOT folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    set(${variable} "-I${folder}" PARENT_SCOPE)
  endif()
endfunction()
