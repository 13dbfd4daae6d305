# Runs the port in packaging/vcpkg with a stand-in for vcpkg's functions. What it installs goes to FOLDER/package, laid out
# as vcpkg has it.
cmake_minimum_required(VERSION 3.22)
set(CURRENT_PACKAGES_DIR "${FOLDER}/package")
set(FEATURES core zlib)
set(PORT rival)
file(REMOVE_RECURSE "${FOLDER}")

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${FOLDER}/build" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${CXX}" ${arg_OPTIONS} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${FOLDER}/build" --prefix "${CURRENT_PACKAGES_DIR}"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The package's files move, and know their prefix by where they lie.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PACKAGE_NAME;CONFIG_PATH" "")
  file(GLOB files "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/*")
  file(COPY ${files} DESTINATION "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}")
  file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib/cmake")
  set(config "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}/rivalConfig.cmake")
  file(READ "${config}" text)
  string(REPLACE "{CMAKE_CURRENT_LIST_DIR}/../../../" "{CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
  file(WRITE "${config}" "${text}")
  foreach(targets IN ITEMS rivalTargets rival-zlib)
    file(READ "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}/${targets}.cmake" text)
    string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component"
      "get_filename_component" text "${text}")
    file(WRITE "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}/${targets}.cmake" "${text}")
  endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(INSTALL ${arg_FILE_LIST} DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}" RENAME copyright)
endfunction()

get_filename_component(port "${CMAKE_CURRENT_LIST_DIR}/../../packaging/vcpkg/rival/portfile.cmake" ABSOLUTE)
include("${port}")

foreach(file IN ITEMS copyright usage rivalConfig.cmake rival-zlib.cmake mnist/train-images-idx3-ubyte.gz)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/rival/${file}")
    message(FATAL_ERROR "expected the port to install share/rival/${file}, there is none")
  endif()
endforeach()
file(GLOB others "${CURRENT_PACKAGES_DIR}/share/rival/rival-*.cmake")
list(LENGTH others components)
if(NOT components EQUAL 1 OR EXISTS "${CURRENT_PACKAGES_DIR}/share/doc")
  message(FATAL_ERROR "expected the component zlib alone, and no share/doc, got ${others}")
endif()
