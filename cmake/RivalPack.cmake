# What cpack makes in a build folder: a package of Debian's (cpack -G DEB) and an archive (cpack -G TGZ).
#
# The headers are for any processor. With RIVAL_C=ON there is a shared library among them, which is for one, and so is a
# folder such as lib/x86_64-linux-gnu, which is what Debian has under CMAKE_INSTALL_PREFIX=/usr. Libraries that
# only a component needs are suggested: a program names them itself.
set(CPACK_PACKAGE_NAME rival)
set(CPACK_PACKAGE_VENDOR "The Rival authors")
set(CPACK_PACKAGE_CONTACT "The Rival authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEBIAN_PACKAGE_NAME librival-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libeigen3-dev (>= 3.4)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "")
foreach(package IN ITEMS ZLIB Stb GIF nlohmann_json LibZip Protozero LibWebP LibExif)
  string(REGEX REPLACE "^Debian and Ubuntu: ([^;]+);.*$" "\\1" name "${rival_install_${package}}")
  list(APPEND CPACK_DEBIAN_PACKAGE_SUGGESTS "${name}")
endforeach()
list(JOIN CPACK_DEBIAN_PACKAGE_SUGGESTS ", " CPACK_DEBIAN_PACKAGE_SUGGESTS)
set(CPACK_SYSTEM_NAME any)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
if(RIVAL_C OR NOT CMAKE_INSTALL_LIBDIR STREQUAL "lib")
  unset(CPACK_DEBIAN_PACKAGE_ARCHITECTURE)  # this machine's
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_SYSTEM_NAME "${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}")
endif()

include(CPack)
