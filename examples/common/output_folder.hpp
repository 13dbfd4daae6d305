#pragma once
// The folder that a run writes to.

#include <filesystem>

/// A folder that nobody else writes to as long as this object lives: two runs in one folder would replace each other's
/// files.
class OutputFolder {
 public:
  /// Makes the folder if it is not there. Throws rival::Error when nothing can be written to it, or another run does.
  explicit OutputFolder(const std::filesystem::path& folder);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  int locked_ = -1;  ///< the folder, open as long as it is locked; the system gives it back whatever ends the process
};
