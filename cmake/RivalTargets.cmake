# The targets that users link, and their installation.
#
# They carry include directories, libraries and the language standard, and nothing else: warnings and processor flags
# are the user's own to choose.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
include(RivalPkgConfig)

set(rival_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rival")
set(rival_data_dir "${CMAKE_INSTALL_DATAROOTDIR}/rival")

# The folder of the digits, for a project that Rival is a part of; rivalConfig.cmake sets it to the installed ones.
set(rival_MNIST_DIR "${PROJECT_SOURCE_DIR}/examples/data/mnist" CACHE INTERNAL "Rival's MNIST digits")

# A library that is built on Rival and exported has to find Rival's targets in an export, installed or not.
set(rival_export_only "")
if(NOT RIVAL_INSTALL)
  set(rival_export_only EXCLUDE_FROM_ALL)
endif()

# rival::rival: everything that needs only Eigen and, where it is found, OpenMP.
rival_find_or_fetch(Eigen3 Eigen3::Eigen)
if(NOT TARGET Eigen3::Eigen)
  message(FATAL_ERROR "Rival needs Eigen 3.4 or later (${rival_install_Eigen3}). Install it, or set RIVAL_FETCH=ON.")
elseif(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
  message(FATAL_ERROR "Rival needs Eigen 3.4 or later and found ${Eigen3_VERSION} in ${Eigen3_DIR}. Point Eigen3_DIR "
    "at a later one, or set CMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON to have one fetched.")
endif()

# With RIVAL_SINGLE_INCLUDE a folder takes the place of include/, whose headers lead to single_include/rival.hpp.
set(rival_headers "${PROJECT_SOURCE_DIR}/include")
if(RIVAL_SINGLE_INCLUDE)
  set(rival_headers "${PROJECT_BINARY_DIR}/single_include")
  find_program(PYTHON3 python3 REQUIRED)
  execute_process(COMMAND "${PYTHON3}" "${PROJECT_SOURCE_DIR}/scripts/single_include" --forward "${rival_headers}"
    COMMAND_ERROR_IS_FATAL ANY)
endif()

add_library(rival INTERFACE)
add_library(rival::rival ALIAS rival)
target_compile_features(rival INTERFACE cxx_std_20)
target_include_directories(rival INTERFACE
  "$<BUILD_INTERFACE:${rival_headers}>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(rival INTERFACE Eigen3::Eigen)

if(RIVAL_OPENMP)
  find_package(OpenMP QUIET COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(rival INTERFACE "$<BUILD_INTERFACE:OpenMP::OpenMP_CXX>")
  else()
    message(STATUS "rival: this compiler has no OpenMP, so training will use one core")
  endif()
  # Installed headers meet another compiler, so whether it has OpenMP is asked again, by rivalConfig.cmake.
  target_link_libraries(rival INTERFACE "$<INSTALL_INTERFACE:$<TARGET_NAME_IF_EXISTS:OpenMP::OpenMP_CXX>>")
endif()

install(TARGETS rival EXPORT rival)
install(EXPORT rival FILE rivalTargets.cmake NAMESPACE rival:: DESTINATION "${rival_package_dir}" ${rival_export_only})
if(RIVAL_INSTALL)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/rival" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/data/mnist" DESTINATION "${rival_data_dir}")
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/rival")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/rivalConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/cmake/rivalConfig.cmake" INSTALL_DESTINATION "${rival_package_dir}"
    PATH_VARS rival_data_dir)
  set(rival_any_processor ARCH_INDEPENDENT)
  if(RIVAL_C OR RIVAL_COMPILED)
    set(rival_any_processor "")  # libraries are for one
  endif()
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/cmake/rivalConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion ${rival_any_processor})
  install(FILES "${PROJECT_BINARY_DIR}/cmake/rivalConfig.cmake" "${PROJECT_BINARY_DIR}/cmake/rivalConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindLibExif.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindLibWebP.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindLibZip.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindProtozero.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindSampleRate.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindSndFile.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindStb.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/RivalPackages.cmake" "${PROJECT_SOURCE_DIR}/cmake/RivalBuildType.cmake"
    DESTINATION "${rival_package_dir}")

  # Which compiler reads this is not known: -fopenmp is GCC's and Clang's, and pkg-config --define-variable=openmp= is
  # for one without.
  set(rival_openmp_flag "")
  if(OpenMP_CXX_FOUND AND CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$")
    set(rival_openmp_flag "-fopenmp")
  endif()
  rival_below_prefix(rival_digits "${rival_data_dir}/mnist")
  rival_install_pkg_config(rival DESCRIPTION "${PROJECT_DESCRIPTION}" REQUIRES "eigen3 >= 3.4"
    VARIABLES "mnist_dir=${rival_digits}" "openmp=${rival_openmp_flag}"
    CFLAGS "-I\${includedir}" "\${openmp}" LIBS "\${openmp}")
endif()

# Tests and examples need every component.
set(rival_required ${RIVAL_COMPONENTS})
foreach(part IN ITEMS RIVAL_TESTS RIVAL_EXAMPLES)
  if(${part} AND NOT ${part} STREQUAL "AUTO")
    list(APPEND rival_required zlib stb gif json zip protozero)
  endif()
endforeach()

# rival_add_component(<component> <package> <target> [MODULE <module of pkg-config>] [LIBS <flag>...])
#
# Adds rival::<component>: rival::rival and one library more, for the headers that need it. A component whose library
# is not on the machine does not exist, which is an error only where someone asked for it. For pkg-config the library is
# MODULE, or where it has none, the folder of its headers and LIBS.
function(rival_add_component component package target)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "MODULE" "LIBS")
  if(component IN_LIST rival_required)
    rival_find_or_fetch(${package} ${target})
    if(NOT TARGET ${target})
      set(or_fetch "")
      if(DEFINED rival_source_${package})
        set(or_fetch ", or set RIVAL_FETCH=ON")
      endif()
      message(FATAL_ERROR "rival::${component} needs ${package}, which was not found (${rival_install_${package}}). "
        "Install it${or_fetch}.")
    endif()
  else()
    rival_find(${package} ${target})
    if(NOT TARGET ${target})
      message(STATUS "rival: ${package} was not found (${rival_install_${package}}), so there is no "
        "rival::${component}")
      return()
    endif()
  endif()

  add_library(rival_${component} INTERFACE)
  add_library(rival::${component} ALIAS rival_${component})
  set_target_properties(rival_${component} PROPERTIES EXPORT_NAME ${component})
  target_link_libraries(rival_${component} INTERFACE rival ${target})
  install(TARGETS rival_${component} EXPORT rival-${component})
  install(EXPORT rival-${component} NAMESPACE rival:: DESTINATION "${rival_package_dir}" ${rival_export_only})

  set(cflags "")
  if(NOT arg_MODULE)
    rival_include_flags(cflags "${${package}_INCLUDE_DIR}")
  endif()
  rival_install_pkg_config(rival-${component} DESCRIPTION "Rival with ${package}"
    REQUIRES "rival = ${PROJECT_VERSION}" ${arg_MODULE} CFLAGS ${cflags} LIBS ${arg_LIBS})
endfunction()

rival_add_component(zlib ZLIB ZLIB::ZLIB MODULE zlib)  # rival/data/idx.hpp, rival/data/mnist.hpp
rival_add_component(stb Stb stb::stb)      # rival/image: png, read_image; rival/data/image_folder.hpp
rival_add_component(gif GIF GIF::GIF LIBS -lgif)      # rival/image/gif.hpp
rival_add_component(json nlohmann_json nlohmann_json::nlohmann_json MODULE nlohmann_json)  # rival/io: safetensors, network_file, checkpoint; rival/report
rival_add_component(zip LibZip LibZip::LibZip MODULE libzip)                           # rival/io/npz.hpp
rival_add_component(webp LibWebP LibWebP::LibWebP MODULE libwebp)  # rival/image/webp.hpp
rival_add_component(exif LibExif LibExif::LibExif MODULE libexif)  # rival/image/exif.hpp
rival_add_component(sndfile SndFile SndFile::sndfile MODULE sndfile)              # rival/sound/sound_file.hpp
rival_add_component(samplerate SampleRate SampleRate::samplerate MODULE samplerate)  # rival/sound/resample.hpp; both: rival/data/sound_folder.hpp
rival_add_component(protozero Protozero protozero::protozero)  # rival/io: tensorboard, onnx_file, _export and _import

# rival_decide(<option> <what it builds> <framework's package> <framework's target>)
#
# Makes AUTO ON or OFF: tests and examples need every component and a framework, and these are only fetched for who asked
# for tests or examples.
macro(rival_decide option what package target)
  if(${option} STREQUAL "AUTO")
    rival_find(${package} ${target})
    set(${option} ON)
    foreach(needed IN ITEMS rival::zlib rival::stb rival::gif rival::json rival::zip rival::protozero ${target})
      if(NOT TARGET ${needed})
        set(${option} OFF)
      endif()
    endforeach()
    if(NOT TARGET ${target})
      message(STATUS "rival: ${package} was not found (${rival_install_${package}}), so no ${what} are built. Install it, "
        "or set ${option}=ON to have it fetched.")
    elseif(NOT ${option})
      message(STATUS "rival: no ${what} are built. Install what is missing, or set ${option}=ON to have it fetched.")
    endif()
  endif()
endmacro()
