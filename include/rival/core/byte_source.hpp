#pragma once
// Where readers of files take their bytes from: a file, or memory.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rival/core/error.hpp"
#include "rival/core/file.hpp"

namespace rival::internal {

/// Deflate, of gzip and zip files, never packs more than so many bytes into one.
inline constexpr std::uint64_t most_that_deflate_packs = 1032;

/// Bytes that are read from the first to the last.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// How many bytes there are in all. A reader takes memory for what a header says only if these can hold it.
  virtual std::uint64_t size() const = 0;
  /// Reads `count` bytes, or fewer where they end. Throws Error when they cannot be read.
  virtual std::size_t read(void* out, std::size_t count) = 0;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes), size_(bytes.size()) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read(void* out, std::size_t count) override {
    count = std::min(count, bytes_.size());
    if (count > 0) std::memcpy(out, bytes_.data(), count);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
  std::size_t size_;
};

class FileSource : public ByteSource {
 public:
  /// Throws Error, beginning with `kind` ("npy file") and the path, when there is no such file or it cannot be opened.
  FileSource(std::string_view kind, const std::filesystem::path& path) : what_(concatenate(kind, " ", path)) {
    require_file(kind, path);
    file_.reset(std::fopen(path.string().c_str(), "rb"));
    require(file_ != nullptr, what_, ": cannot be opened (", std::strerror(errno), ")");
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    require(!error, what_, ": cannot be asked for its size (", error.message(), ")");
  }
  /// How errors about this file begin: `npy file "a.npy"`.
  const std::string& what() const { return what_; }
  std::uint64_t size() const override { return size_; }
  std::size_t read(void* out, std::size_t count) override {
    const std::size_t got = std::fread(out, 1, count, file_.get());
    require(got == count || std::ferror(file_.get()) == 0, what_, ": cannot be read (", std::strerror(errno), ")");
    return got;
  }

 private:
  std::string what_;
  File file_;
  std::uint64_t size_ = 0;
};

/// The bytes of a whole file. They are read as they come: a size that is
/// asked for first may be another one by then.
inline std::string read_whole(FileSource& file) {
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(file.size()));
  std::vector<char> chunk(1 << 16);
  while (const std::size_t got = file.read(chunk.data(), chunk.size())) bytes.append(chunk.data(), got);
  return bytes;
}
inline std::string read_whole(std::string_view kind, const std::filesystem::path& path) {
  FileSource file(kind, path);
  return read_whole(file);
}

}  // namespace rival::internal
