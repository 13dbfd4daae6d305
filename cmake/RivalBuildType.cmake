# Warns whoever builds on Rival without a build type: CMake then asks the compiler for no optimisation at all. Included by
# rivalConfig.cmake, and where Rival is a part of another build. Silenced by RIVAL_NO_OPTIMISATION_WARNING, or by an -O
# among the flags.
get_property(rival_many_build_types GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
get_property(rival_has_warned GLOBAL PROPERTY rival_has_warned)
get_directory_property(rival_flags COMPILE_OPTIONS)
string(JOIN " " rival_flags "${CMAKE_CXX_FLAGS}" ${rival_flags})
if(NOT rival_many_build_types AND NOT CMAKE_BUILD_TYPE AND NOT rival_flags MATCHES "(^| )[-/]O[123sgf]" AND
    NOT RIVAL_NO_OPTIMISATION_WARNING AND NOT rival_has_warned)
  set_property(GLOBAL PROPERTY rival_has_warned TRUE)
  message(WARNING "rival: no build type is set, so the compiler optimises nothing, and training takes about a hundred "
    "times as long. Set one and name this machine's processor: cmake -DCMAKE_BUILD_TYPE=Release "
    "-DCMAKE_CXX_FLAGS=-march=native. (RIVAL_NO_OPTIMISATION_WARNING=ON silences this.)")
endif()
unset(rival_many_build_types)
unset(rival_has_warned)
unset(rival_flags)
