# Makes packages with cpack in BUILD, and unpacks them as they would be installed: Debian's to FOLDER/deb, the archive to
# FOLDER/tgz. No package of the machine's is touched.
file(REMOVE_RECURSE "${FOLDER}")
execute_process(COMMAND "${CPACK}" -G "DEB;TGZ" -B "${FOLDER}" WORKING_DIRECTORY "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
file(GLOB deb "${FOLDER}/librival-dev_*_all.deb")
file(GLOB tgz "${FOLDER}/rival-*-any.tar.gz")

execute_process(COMMAND dpkg-deb --field "${deb}" Depends OUTPUT_VARIABLE depends COMMAND_ERROR_IS_FATAL ANY)
if(NOT depends MATCHES "libeigen3-dev")
  message(FATAL_ERROR "expected a package that depends on libeigen3-dev, got \"${depends}\"")
endif()
execute_process(COMMAND dpkg-deb --extract "${deb}" "${FOLDER}/deb" COMMAND_ERROR_IS_FATAL ANY)

file(MAKE_DIRECTORY "${FOLDER}/tgz")
execute_process(COMMAND "${CMAKE_COMMAND}" -E tar xzf "${tgz}" WORKING_DIRECTORY "${FOLDER}/tgz" COMMAND_ERROR_IS_FATAL ANY)
file(GLOB unpacked "${FOLDER}/tgz/rival-*")
foreach(file IN ITEMS share/doc/rival/LICENSE include/rival/rival.hpp lib/cmake/rival/rivalConfig.cmake lib/pkgconfig/rival.pc)
  foreach(root IN ITEMS "${FOLDER}/deb/usr" "${unpacked}")
    if(NOT EXISTS "${root}/${file}")
      message(FATAL_ERROR "expected ${file} in the package, there is none in ${root}")
    endif()
  endforeach()
endforeach()
file(RENAME "${unpacked}" "${FOLDER}/tgz/usr")
