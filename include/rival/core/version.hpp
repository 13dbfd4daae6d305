#pragma once
// The library's version, from which CMakeLists.txt reads the project's. It follows semver.org; before 1.0 a minor
// version may break programs.

#include <string_view>

/// The version's first number.
#define RIVAL_VERSION_MAJOR 0
/// Its second.
#define RIVAL_VERSION_MINOR 1
/// Its third.
#define RIVAL_VERSION_PATCH 0

/// One number for the preprocessor, such as 10203 for 1.2.3: `#if RIVAL_VERSION >= 10203`.
#define RIVAL_VERSION (RIVAL_VERSION_MAJOR * 10000 + RIVAL_VERSION_MINOR * 100 + RIVAL_VERSION_PATCH)

// Two steps: an argument that stands behind # is not expanded.
#define RIVAL_VERSION_QUOTE(major, minor, patch) #major "." #minor "." #patch
#define RIVAL_VERSION_TEXT(major, minor, patch) RIVAL_VERSION_QUOTE(major, minor, patch)

namespace rival {

/// The version, such as "1.2.3"; a zero stands behind it, as C asks for.
inline constexpr std::string_view version =
    RIVAL_VERSION_TEXT(RIVAL_VERSION_MAJOR, RIVAL_VERSION_MINOR, RIVAL_VERSION_PATCH);

}  // namespace rival

#undef RIVAL_VERSION_TEXT
#undef RIVAL_VERSION_QUOTE
