#pragma once
// The library's version.

#include <string_view>

namespace rival {

/// As in CMake's project().
inline constexpr std::string_view version = "0.1.0";

}  // namespace rival
