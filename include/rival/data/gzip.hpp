#pragma once
// Gzip data, unpacked as it is read. Needs zlib.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "rival/core/byte_source.hpp"

namespace rival::internal {

inline bool begins_as_gzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

/// What a source of gzip data holds, of one member or of several. What stands behind the last one is ignored, as gzip
/// does. It takes some 100 kilobytes, whatever the data say.
class Gunzip {
 public:
  /// `start` are bytes (at most 64) that were already read from the source. Errors begin with `what`.
  Gunzip(ByteSource& source, std::string_view start, std::string what) : source_(source), what_(std::move(what)) {
    start.copy(reinterpret_cast<char*>(packed_.data()), start.size());
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<uInt>(start.size());
    constexpr int gzip = 15 + 16;
    if (inflateInit2(&stream_, gzip) != Z_OK) throw std::bad_alloc();
  }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip() { inflateEnd(&stream_); }

  /// Reads `count` bytes, or fewer where they end. Throws Error when the data are damaged or end within a member.
  std::size_t read(void* out, std::size_t count) {
    auto* at = static_cast<Bytef*>(out);
    std::size_t left = count;
    while (left > 0 && !done_) {
      fill();
      const auto wanted = static_cast<uInt>(std::min<std::size_t>(left, std::numeric_limits<uInt>::max()));
      stream_.next_out = at;
      stream_.avail_out = wanted;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_MEM_ERROR) throw std::bad_alloc();
      require(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR, what_, ": its gzip data is damaged");
      at += wanted - stream_.avail_out;
      left -= wanted - stream_.avail_out;
      if (code == Z_STREAM_END) next_member();
      // It was given all input that there is.
      require(code != Z_BUF_ERROR, what_, ": ends inside its gzip data (a download that broke off?)");
    }
    return count - left;
  }

 private:
  void fill() {
    if (stream_.avail_in > 0) return;
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<uInt>(source_.read(packed_.data(), packed_.size()));
  }
  void next_member() {
    fill();
    done_ = stream_.avail_in == 0 || *stream_.next_in != 0x1f;
    if (!done_) inflateReset(&stream_);
  }

  ByteSource& source_;
  std::string what_;
  z_stream stream_{};
  std::array<Bytef, 1 << 16> packed_;
  bool done_ = false;
};

}  // namespace rival::internal
