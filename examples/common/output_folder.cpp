#include "common/output_folder.hpp"

#include <string>
#include <system_error>
#include <vector>

#include "rival/core/file.hpp"

void prepare_folder(const std::filesystem::path& folder) {
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
  // With those at which an earlier run was killed.
  std::vector<std::filesystem::path> probes;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().filename().string().starts_with(".rival_probe")) probes.push_back(entry.path());
  for (const auto& one : probes) std::filesystem::remove(one, error);
}
