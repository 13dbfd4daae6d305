#pragma once
// The folder that a run writes to.

#include <filesystem>

#include "rival/core/file.hpp"

/// Makes the folder if it is not there. Throws rival::Error when nothing can be written to it.
inline void prepare_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  rival::require(std::filesystem::is_directory(folder), "--out: expected a folder that can be made, got ", folder,
                 error ? ": " + error.message() : ": it is a file");
  // Whether files can be made there shows only by making one.
  const auto probe = folder / ".rival_probe";
  try {
    rival::replace_file(probe, "");
  } catch (const rival::Error&) {
    rival::fail("--out: expected a folder that can be written to, got ", folder);
  }
  std::filesystem::remove(probe, error);
}
