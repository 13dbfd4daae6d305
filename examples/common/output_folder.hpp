#pragma once
// The folder that a run writes to.

#include <filesystem>

/// Makes the folder if it is not there. Throws rival::Error when nothing can be written to it.
void prepare_folder(const std::filesystem::path& folder);
