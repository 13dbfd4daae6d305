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

}  // namespace internal

/// Writes a file so that whoever looks at `path` sees the old content or the whole new one. The bytes go to a temporary
/// file beside it; `commit` renames that. Without a commit (a failed write, an exception) an earlier file stays.
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
  ~FileWriter() {
    file_.reset();
    std::error_code ignored;
    if (!committed_) std::filesystem::remove(part_, ignored);
  }

  /// Appends. Throws Error when the disk is full or broken.
  void write(const void* data, std::size_t bytes) {
    if (bytes > 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) fail_to_write(std::strerror(errno));
  }
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Puts what was written in the place of `path`. Throws Error when that fails. The last call.
  void commit() {
    if (std::fclose(file_.release()) != 0) fail_to_write(std::strerror(errno));
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) fail_to_write(error.message());
    committed_ = true;
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
inline void replace_file(const std::filesystem::path& path, std::string_view text) {
  replace_file(path, text.data(), text.size());
}

}  // namespace rival
