# Finds libwebp, with libwebpdemux and libwebpmux for animations: target LibWebP::LibWebP. Debian's package has no file
# for CMake.
find_path(LibWebP_INCLUDE_DIR webp/decode.h)
find_library(LibWebP_LIBRARY NAMES webp)
find_library(LibWebP_DEMUX_LIBRARY NAMES webpdemux)
find_library(LibWebP_MUX_LIBRARY NAMES webpmux)
mark_as_advanced(LibWebP_INCLUDE_DIR LibWebP_LIBRARY LibWebP_DEMUX_LIBRARY LibWebP_MUX_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibWebP
  REQUIRED_VARS LibWebP_LIBRARY LibWebP_DEMUX_LIBRARY LibWebP_MUX_LIBRARY LibWebP_INCLUDE_DIR)

if(LibWebP_FOUND AND NOT TARGET LibWebP::LibWebP)
  add_library(LibWebP::LibWebP UNKNOWN IMPORTED)
  set_target_properties(LibWebP::LibWebP PROPERTIES
    IMPORTED_LOCATION "${LibWebP_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LibWebP_INCLUDE_DIR}"
    # Behind those that need it, should they be static.
    INTERFACE_LINK_LIBRARIES "${LibWebP_MUX_LIBRARY};${LibWebP_DEMUX_LIBRARY};${LibWebP_LIBRARY}")
endif()
