// The version in the headers is the project's, wherever it is written down.
#include "catch.hpp"

#include <string>

#include "rival/core/version.hpp"
#include "temporary_folder.hpp"

namespace {

const std::string root = RIVAL_FIXTURES_DIR "/../../";

/// What `#if RIVAL_VERSION >= ...` of a user's sees.
#if RIVAL_VERSION >= 0 && RIVAL_VERSION < 10000 * (RIVAL_VERSION_MAJOR + 1)
constexpr bool preprocessor_reads_it = true;
#else
constexpr bool preprocessor_reads_it = false;
#endif

}  // namespace

TEST_CASE("version: the text and the number are made of the same three") {
  const std::string text = std::to_string(RIVAL_VERSION_MAJOR) + "." + std::to_string(RIVAL_VERSION_MINOR) + "." +
                           std::to_string(RIVAL_VERSION_PATCH);
  CHECK(rival::version == text);
  CHECK(rival::version.data()[rival::version.size()] == '\0');
  CHECK(RIVAL_VERSION / 10000 == RIVAL_VERSION_MAJOR);
  CHECK(RIVAL_VERSION / 100 % 100 == RIVAL_VERSION_MINOR);
  CHECK(RIVAL_VERSION % 100 == RIVAL_VERSION_PATCH);
  CHECK(preprocessor_reads_it);
}
