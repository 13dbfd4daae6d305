#include "common/output_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "rival/core/file.hpp"

OutputFolder::OutputFolder(const std::filesystem::path& folder) {
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

  locked_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some file systems have no locks: there nobody is told.
  if (locked_ >= 0 && flock(locked_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(locked_);
    rival::fail("--out: expected a folder that no other run writes to at the moment, got ", folder);
  }
}

OutputFolder::~OutputFolder() {
  if (locked_ >= 0) close(locked_);
}
