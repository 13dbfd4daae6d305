# Finds stb_image_write.h, stb_image.h and stb_image_resize.h where Debian and Fedora put it, in a folder stb on the include path: target stb::stb.
find_path(Stb_INCLUDE_DIR stb/stb_image_write.h)
mark_as_advanced(Stb_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Stb REQUIRED_VARS Stb_INCLUDE_DIR)

if(Stb_FOUND AND NOT TARGET stb::stb)
  add_library(stb::stb INTERFACE IMPORTED)
  set_target_properties(stb::stb PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${Stb_INCLUDE_DIR}")
endif()
