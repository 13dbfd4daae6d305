# Installs the sources that this port lies among. In a registry, vcpkg_from_git takes the place of SOURCE_PATH.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(VCPKG_BUILD_TYPE release)  # headers alone

# Only what was asked for is looked for.
set(components "")
set(unwanted "-DCMAKE_DISABLE_FIND_PACKAGE_Stb=ON")  # vcpkg's stb has another layout
foreach(pair IN ITEMS zlib:ZLIB gif:GIF json:nlohmann_json zip:LibZip protozero:Protozero webp:LibWebP exif:LibExif
    sndfile:SndFile samplerate:SampleRate)
  string(REPLACE ":" ";" pair "${pair}")
  list(GET pair 0 component)
  list(GET pair 1 package)
  if(component IN_LIST FEATURES)
    list(APPEND components "${component}")
  else()
    list(APPEND unwanted "-DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON")
  endif()
endforeach()

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DRIVAL_TESTS=OFF -DRIVAL_EXAMPLES=OFF -DRIVAL_BENCHMARKS=OFF -DRIVAL_FETCH=OFF
    "-DRIVAL_COMPONENTS=${components}" ${unwanted})
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME rival CONFIG_PATH lib/cmake/rival)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
