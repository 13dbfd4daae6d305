#pragma once
// MappedFile: a file's bytes as memory, of which the system reads what is touched.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <fstream>
#include <vector>
#endif

#include "rival/core/file.hpp"

namespace rival {

/// Read only. Where there is no such thing (Windows) the file is read as a whole.
class MappedFile {
 public:
  /// Throws Error when there is no such file, or it cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path) : path_(path) {
    internal::require_file("mapped file", path);
#ifndef _WIN32
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    require(descriptor_ >= 0, "mapped file ", path, ": cannot be opened (", std::strerror(errno), ")");
    size_ = size_now();
    if (size_ == 0) return;
    void* memory = mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
    if (memory == MAP_FAILED) {
      const int why = errno;
      close(descriptor_);
      fail("mapped file ", path, ": cannot be mapped (", std::strerror(why), ")");
    }
    memory_ = static_cast<const std::uint8_t*>(memory);
#else
    std::ifstream file(path, std::ios::binary);
    content_.resize(static_cast<std::size_t>(std::filesystem::file_size(path)));
    file.read(reinterpret_cast<char*>(content_.data()), static_cast<std::streamsize>(content_.size()));
    require(file.good() || content_.empty(), "mapped file ", path, ": cannot be read");
    memory_ = content_.data();
    size_ = content_.size();
#endif
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
#ifndef _WIN32
    if (memory_) munmap(const_cast<std::uint8_t*>(memory_), size_);
    close(descriptor_);
#endif
  }

  /// The first byte; null for an empty file.
  const std::uint8_t* data() const { return memory_; }
  /// Bytes that the file had when it was opened.
  std::size_t size() const { return size_; }

  /// Throws Error when the file has become shorter: to touch what is gone would end the program. Asked before each
  /// batch.
  void require_whole() const {
#ifndef _WIN32
    const std::size_t now = size_now();
    require(now >= size_, "mapped file ", path_, ": expected its ", size_, " bytes, got ", now,
            "; it was cut while it was in use");
#endif
  }

 private:
#ifndef _WIN32
  std::size_t size_now() const {
    struct stat status {};
    require(fstat(descriptor_, &status) == 0, "mapped file ", path_, ": cannot be asked for its size (",
            std::strerror(errno), ")");
    return static_cast<std::size_t>(status.st_size);
  }
  int descriptor_ = -1;
#else
  std::vector<std::uint8_t> content_;
#endif
  std::filesystem::path path_;
  const std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rival
