#pragma once
// Files that are written whole or not at all.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#ifdef _WIN32
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

#include "rival/core/error.hpp"

namespace rival {

namespace internal {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Throws Error, beginning with `what`, unless `path` is a file that exists.
inline void require_file(std::string_view what, const std::filesystem::path& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  require(std::filesystem::exists(status), what, " ", path, ": no such file");
  require(!std::filesystem::is_directory(status), what, " ", path, ": expected a file, got a folder");
  require(std::filesystem::is_regular_file(status), what, " ", path, ": expected a regular file, got a device or pipe");
}

/// Waits until what was written to the descriptor is on the disk. False, and errno, when that fails. A file system that
/// cannot be asked for it is no failure.
inline bool sync(int descriptor) {
#ifdef _WIN32
  return _commit(descriptor) == 0;
#else
  while (fsync(descriptor) != 0)
    if (errno != EINTR) return errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
  return true;
#endif
}

/// Brings all that was written to the file to the disk. False, and errno, when that fails.
inline bool flush_to_disk(std::FILE* file) {
#ifdef _WIN32
  return std::fflush(file) == 0 && sync(_fileno(file));
#else
  return std::fflush(file) == 0 && sync(fileno(file));
#endif
}

/// The same for the names in a folder: a file that was renamed may otherwise have its old name after a power cut.
/// A folder that may be written to but not read cannot be asked for it, which is no failure.
inline bool flush_folder_to_disk([[maybe_unused]] const std::filesystem::path& folder) {
#ifdef _WIN32
  return true;  // Windows opens no folders
#else
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno == EACCES;
  const bool good = sync(descriptor);
  const int why = errno;
  close(descriptor);
  errno = why;
  return good;
#endif
}

}  // namespace internal

/// Writes a file so that whoever looks at `path` sees the old content or the whole new one, even after a power cut. The
/// bytes go to a temporary file beside it; `commit` brings them to the disk and renames that. Without a commit (a
/// failed write, an exception) an earlier file stays.
class FileWriter {
 public:
  /// Throws Error when no file can be written there.
  explicit FileWriter(const std::filesystem::path& path) : path_(path) {
    std::error_code ignored;
    // A link stays a link: what it points to is replaced.
    if (std::filesystem::is_symlink(path_, ignored)) path_ = std::filesystem::weakly_canonical(path_, ignored);
    const auto status = std::filesystem::status(path_, ignored);
    if (std::filesystem::is_directory(status)) fail_to_write("it is a folder");
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      fail_to_write("it is not a regular file");
    const auto folder = path_.parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored))
      fail_to_write("there is no folder " + folder.string());
    part_ = path_;
    part_ += '.';
    part_ += std::to_string(std::random_device{}());  // two programs may write the same file at once
    part_ += ".part";
    file_.reset(std::fopen(part_.string().c_str(), "wb"));
    if (!file_) fail_to_write(std::strerror(errno));
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  /// Without a commit nothing is left of what was written.
  ~FileWriter() {
    file_.reset();
    std::error_code ignored;
    if (!committed_) std::filesystem::remove(part_, ignored);
  }

  /// Appends. Throws Error when the disk is full or broken.
  void write(const void* data, std::size_t bytes) {
    if (bytes > 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) fail_to_write(std::strerror(errno));
  }
  /// Appends the bytes of a text. Throws Error when the disk is full or broken.
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Puts what was written in the place of `path`. Throws Error when that fails: the earlier file has then stayed, or,
  /// where only the folder's own bytes cannot be brought to the disk, the new one stands there. The last call.
  void commit() {
    if (!internal::flush_to_disk(file_.get())) fail_to_write(std::strerror(errno));
    if (std::fclose(file_.release()) != 0) fail_to_write(std::strerror(errno));
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) fail_to_write(error.message());
    committed_ = true;
    if (!internal::flush_folder_to_disk(path_.parent_path())) fail_to_write(std::strerror(errno));
  }

 private:
  [[noreturn]] void fail_to_write(std::string_view why) const { fail("cannot write ", path_, ": ", why); }

  std::filesystem::path path_, part_;
  internal::File file_;
  bool committed_ = false;
};

/// Replaces the content of the file, or makes it. Throws Error, and leaves an earlier file as it was, when it cannot.
inline void replace_file(const std::filesystem::path& path, const void* data, std::size_t bytes) {
  FileWriter file(path);
  file.write(data, bytes);
  file.commit();
}
/// The same with the bytes of a text.
inline void replace_file(const std::filesystem::path& path, std::string_view text) {
  replace_file(path, text.data(), text.size());
}

/// Appends to a file that is there, and brings it to the disk. Throws Error when that fails, and cuts the file back to
/// what it was, so that no half of `text` stays behind.
inline void append_to_file(const std::filesystem::path& path, std::string_view text) {
  std::error_code error;
  const auto before = std::filesystem::file_size(path, error);
  require(!error, "cannot append to ", path, ": ", error.message());
  internal::File file(std::fopen(path.string().c_str(), "ab"));
  bool good = file != nullptr && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
              internal::flush_to_disk(file.get());
  int why = errno;
  if (file && std::fclose(file.release()) != 0) good = false, why = errno;
  if (good) return;
  std::filesystem::resize_file(path, before, error);
  fail("cannot append to ", path, ": ", std::strerror(why));
}

}  // namespace rival
