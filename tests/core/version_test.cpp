// The version in the headers is the project's.
#include "catch.hpp"

#include <string>

#include "rival/core/version.hpp"
#include "temporary_folder.hpp"

TEST_CASE("version: as CMake's project() says") {
  const std::string project = rival_test::read_bytes(RIVAL_FIXTURES_DIR "/../../CMakeLists.txt");
  CHECK(project.find("project(rival VERSION " + std::string(rival::version) + " ") != std::string::npos);
}
