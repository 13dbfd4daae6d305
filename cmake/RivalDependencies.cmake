# Where Rival's libraries come from: a package on this machine, else sources fetched at a pinned version.
include(FetchContent)
include(RivalPackages)

set(rival_source_Eigen3 GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git GIT_TAG 3.4.0 GIT_SHALLOW ON)
set(rival_source_ZLIB GIT_REPOSITORY https://github.com/madler/zlib.git GIT_TAG v1.3.1 GIT_SHALLOW ON)
set(rival_source_GIF GIT_REPOSITORY https://git.code.sf.net/p/giflib/code GIT_TAG 5.2.2 GIT_SHALLOW ON)
set(rival_source_nlohmann_json GIT_REPOSITORY https://github.com/nlohmann/json.git GIT_TAG v3.11.3 GIT_SHALLOW ON)
set(rival_source_LibZip GIT_REPOSITORY https://github.com/nih-at/libzip.git GIT_TAG v1.11.4 GIT_SHALLOW ON)
set(rival_source_Protozero GIT_REPOSITORY https://github.com/mapbox/protozero.git GIT_TAG v1.7.1 GIT_SHALLOW ON)
set(rival_source_Catch2 GIT_REPOSITORY https://github.com/catchorg/Catch2.git GIT_TAG v3.5.4 GIT_SHALLOW ON)
set(rival_source_CLI11 GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git GIT_TAG v2.4.1 GIT_SHALLOW ON)
# stb has no releases: this is its master of July 2024. A commit cannot be cloned shallowly.
set(rival_source_Stb GIT_REPOSITORY https://github.com/nothings/stb.git
  GIT_TAG f75e8d1cad7d90d72ef7a4661f1b994ef78b4e31)

# Eigen's package refuses to be Eigen 5 where 3.4 is asked for, so no package is asked for by version here.
set(rival_find_Eigen3 CONFIG)
set(rival_find_Catch2 CONFIG)
set(rival_find_CLI11 CONFIG)
set(rival_find_nlohmann_json CONFIG)

# rival_find(<package> <target>)
#
# Looks for <package> on this machine unless a surrounding project has already made <target>. <package>_VERSION is set
# for the caller where the package tells it.
function(rival_find package target)
  if(NOT TARGET ${target})
    find_package(${package} QUIET ${rival_find_${package}})
    set(${package}_VERSION "${${package}_VERSION}" PARENT_SCOPE)
  endif()
endfunction()

# rival_find_or_fetch(<package> <target>)
#
# The same, and where the package is not found (and RIVAL_FETCH is ON) its sources are fetched, and <target> made by
# rival_make_<package>(<source directory>). To build without a network, name a folder with the sources in
# FETCHCONTENT_SOURCE_DIR_<PACKAGE>.
macro(rival_find_or_fetch package target)
  rival_find(${package} ${target})
  if(NOT TARGET ${target} AND RIVAL_FETCH)
    rival_fetch(${package})
  endif()
endmacro()

function(rival_fetch package)
  if(NOT DEFINED rival_source_${package})
    return()  # taken where it is, and never fetched
  endif()
  message(STATUS "rival: ${package} was not found and is fetched")
  # The subfolder does not exist, so that no CMakeLists.txt of theirs is run and none of their options, tests and install
  # rules come into this build.
  FetchContent_Declare(${package} ${rival_source_${package}} SOURCE_SUBDIR cmake-lists-not-wanted)
  FetchContent_MakeAvailable(${package})
  FetchContent_GetProperties(${package} SOURCE_DIR source_dir)
  cmake_language(CALL rival_make_${package} "${source_dir}")
endfunction()

# Imported targets, for two reasons: their headers count as system headers, so their warnings are not ours; and targets
# that link them may be exported.
function(rival_make_headers target include_dir)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} INTERFACE "${include_dir}")
endfunction()

# A static library from C sources, behind the imported target <target>.
function(rival_make_library target name source_dir)
  set(rival_library ${name})
  list(TRANSFORM ARGN PREPEND "${source_dir}/" OUTPUT_VARIABLE rival_sources)
  add_subdirectory("${PROJECT_SOURCE_DIR}/cmake/fetched" "${PROJECT_BINARY_DIR}/_deps/${name}" EXCLUDE_FROM_ALL)
  rival_make_headers(${target} "${source_dir}")
  target_link_libraries(${target} INTERFACE ${name})
endfunction()

function(rival_make_Eigen3 source_dir)
  rival_make_headers(Eigen3::Eigen "${source_dir}")
endfunction()

function(rival_make_nlohmann_json source_dir)
  rival_make_headers(nlohmann_json::nlohmann_json "${source_dir}/include")
endfunction()

function(rival_make_Protozero source_dir)
  rival_make_headers(protozero::protozero "${source_dir}/include")
endfunction()

function(rival_make_CLI11 source_dir)
  rival_make_headers(CLI11::CLI11 "${source_dir}/include")
endfunction()

# Rival includes <stb/stb_image_write.h>, as Debian and Fedora lay it out; in stb's repository there is no folder stb.
function(rival_make_Stb source_dir)
  foreach(header IN ITEMS stb_image.h stb_image_write.h deprecated/stb_image_resize.h)
    cmake_path(GET header FILENAME name)
    configure_file("${source_dir}/${header}" "${PROJECT_BINARY_DIR}/_deps/stb-include/stb/${name}" COPYONLY)
  endforeach()
  rival_make_headers(stb::stb "${PROJECT_BINARY_DIR}/_deps/stb-include")
endfunction()

function(rival_make_ZLIB source_dir)
  rival_make_library(ZLIB::ZLIB rival_fetched_zlib "${source_dir}"
    adler32.c compress.c crc32.c deflate.c gzclose.c gzlib.c gzread.c gzwrite.c infback.c inffast.c inflate.c inftrees.c
    trees.c uncompr.c zutil.c)
  if(UNIX)  # what zlib's configure script would find out
    target_compile_definitions(rival_fetched_zlib PRIVATE HAVE_UNISTD_H HAVE_STDARG_H)
  endif()
endfunction()

function(rival_make_GIF source_dir)
  rival_make_library(GIF::GIF rival_fetched_gif "${source_dir}"
    dgif_lib.c egif_lib.c gif_err.c gif_font.c gif_hash.c gifalloc.c openbsd-reallocarray.c quantize.c)
endfunction()

# libzip generates a part of its sources, so it is built by its own CMakeLists.txt, without its programs and with zlib alone.
function(rival_make_LibZip source_dir)
  rival_find_or_fetch(ZLIB ZLIB::ZLIB)
  if(TARGET rival_fetched_zlib)  # which libzip looks for by itself
    get_target_property(ZLIB_INCLUDE_DIR ZLIB::ZLIB INTERFACE_INCLUDE_DIRECTORIES)
    set(ZLIB_LIBRARY rival_fetched_zlib)
  endif()
  foreach(part IN ITEMS ENABLE_COMMONCRYPTO ENABLE_GNUTLS ENABLE_MBEDTLS ENABLE_OPENSSL ENABLE_WINDOWS_CRYPTO ENABLE_BZIP2
      ENABLE_LZMA ENABLE_ZSTD BUILD_TOOLS BUILD_REGRESS BUILD_OSSFUZZ BUILD_EXAMPLES BUILD_DOC BUILD_SHARED_LIBS
      LIBZIP_DO_INSTALL)
    set(${part} OFF)
  endforeach()
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # so that these are heard
  add_subdirectory("${source_dir}" "${PROJECT_BINARY_DIR}/_deps/libzip-build" EXCLUDE_FROM_ALL)
  get_target_property(include_dirs zip INTERFACE_INCLUDE_DIRECTORIES)
  rival_make_headers(LibZip::LibZip "${include_dirs}")
  target_link_libraries(LibZip::LibZip INTERFACE zip)
endfunction()

# Catch2 too is built by its own CMakeLists.txt: it is large, and made to be a part of another build.
function(rival_make_Catch2 source_dir)
  add_subdirectory("${source_dir}" "${PROJECT_BINARY_DIR}/_deps/catch2-build" EXCLUDE_FROM_ALL)
  get_target_property(include_dirs Catch2 INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(Catch2 PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${include_dirs}")
endfunction()
