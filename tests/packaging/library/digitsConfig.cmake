include(CMakeFindDependencyMacro)
find_dependency(rival COMPONENTS zlib)
include("${CMAKE_CURRENT_LIST_DIR}/digitsTargets.cmake")
