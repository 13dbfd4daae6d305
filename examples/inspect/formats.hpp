#pragma once
// The kinds of files that inspect knows.

#include <filesystem>
#include <functional>
#include <map>
#include <ostream>
#include <string>

/// What prints a file of a kind. Throws rival::Error for a file that is damaged.
using Print = std::function<void(std::ostream& out, const std::filesystem::path& file)>;

/// All kinds, by the end of a file's name.
const std::map<std::string, Print>& formats();
