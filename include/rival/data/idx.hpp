#pragma once
// IDX, the format of the MNIST files: a magic number, the extents, the bytes. Plain or gzipped. Needs zlib.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iomanip>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "rival/core/file.hpp"
#include "rival/core/shape.hpp"

namespace rival {

/// What an IDX file of unsigned bytes holds.
struct IdxArray {
  Shape shape;
  std::vector<std::uint8_t> bytes;  ///< shape.size() of them, row by row
};

namespace internal {

/// A number that prints as 0x00000803.
struct Hexadecimal {
  std::uint32_t value;
  friend std::ostream& operator<<(std::ostream& out, Hexadecimal number) {
    const auto flags = out.flags();
    out << "0x" << std::hex << std::setw(8) << std::setfill('0') << number.value << std::setfill(' ');
    out.flags(flags);
    return out;
  }
};

/// A file that is unpacked as it is read if its content is gzip.
class IdxStream {
 public:
  explicit IdxStream(const std::filesystem::path& path) : path_(path) {
    require_file("idx file", path);
    size_ = std::filesystem::file_size(path);
    require(size_ > 0, "idx file ", path, ": it is empty");
    file_.reset(gzopen(path.string().c_str(), "rb"));
    require(file_ != nullptr, "idx file ", path, ": cannot be opened (", std::strerror(errno), ")");
    gzbuffer(file_.get(), 1 << 16);
    packed_ = gzdirect(file_.get()) == 0;
  }

  bool packed() const { return packed_; }
  std::uintmax_t size_on_disk() const { return size_; }

  /// Reads `count` bytes (at most 2^30), or fewer where the file ends.
  std::size_t read(std::uint8_t* out, std::size_t count) {
    const int got = gzread(file_.get(), out, static_cast<unsigned>(count));
    if (got < 0 || static_cast<std::size_t>(got) < count) {
      int code = Z_OK;
      gzerror(file_.get(), &code);
      require(code != Z_ERRNO, "idx file ", path_, ": cannot be read (", std::strerror(errno), ")");
      require(code != Z_BUF_ERROR, "idx file ", path_, ": ends inside its gzip data");
      require(code == Z_OK || code == Z_STREAM_END, "idx file ", path_, ": its gzip data is damaged");
    }
    return static_cast<std::size_t>(got);
  }

  std::uint32_t read_word(std::string_view what) {
    std::array<std::uint8_t, 4> word{};
    const std::size_t got = read(word.data(), word.size());
    require(got == word.size(), "idx file ", path_, ": expected 4 bytes of ", what, ", got ", got);
    return std::uint32_t{word[0]} << 24 | std::uint32_t{word[1]} << 16 | std::uint32_t{word[2]} << 8 | word[3];
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };

  std::filesystem::path path_;
  std::uintmax_t size_ = 0;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
  bool packed_ = false;
};

inline Shape read_idx_shape(IdxStream& file, const std::filesystem::path& path, Index rank) {
  const std::uint32_t magic = file.read_word("a magic number");
  const auto axes = static_cast<Index>(magic & 0xff);
  if (rank > 0)
    require(magic == (0x800 | static_cast<std::uint32_t>(rank)), "idx file ", path, ": expected the magic number ",
            Hexadecimal{0x800 | static_cast<std::uint32_t>(rank)}, " (unsigned bytes, rank ", rank, "), got ",
            Hexadecimal{magic});
  require(magic >> 8 == 8 && axes >= 1 && axes <= Shape::max_rank, "idx file ", path,
          ": expected a magic number from 0x00000801 to 0x0000080", Shape::max_rank, " (unsigned bytes, rank 1 to ",
          Shape::max_rank, "), got ", Hexadecimal{magic});
  Shape shape;
  for (Index axis = 0; axis < axes; ++axis) {
    const auto extent = static_cast<Index>(file.read_word("an extent"));
    const Index product = shape.size();
    require(product == 0 || extent <= std::numeric_limits<Index>::max() / product, "idx file ", path,
            ": its header says ", shape, "x", extent, ", more elements than an index can count");
    shape.push_back(extent);
  }
  return shape;
}

}  // namespace internal

/// Reads an IDX file of unsigned bytes, plain or gzipped (its content tells, not its name). `rank` is the number of
/// axes that is expected: 3 for images, 1 for labels, 0 for any.
///
/// Throws Error for a file that is missing, of another kind, damaged, too short or too long. A header is not believed
/// before the size of the file supports it, so a false one costs no memory.
inline IdxArray read_idx(const std::filesystem::path& path, Index rank = 0) {
  internal::IdxStream file(path);
  IdxArray array;
  array.shape = internal::read_idx_shape(file, path, rank);

  const auto count = static_cast<std::size_t>(array.shape.size());
  const std::uintmax_t size = file.size_on_disk();
  const auto header = static_cast<std::uintmax_t>(4 + 4 * array.shape.rank());
  if (file.packed())
    // Deflate never packs more than 1032 bytes into one.
    require(count / 1032 <= size, "idx file ", path, ": its header says ", array.shape, " = ", count,
            " bytes, more than ", size, " bytes of gzip can hold");
  else
    require(size - header == count, "idx file ", path, ": its header says ", array.shape, " = ", count, " bytes, got ",
            size - header);

  // Reserved memory costs nothing until it is written to, and that happens no faster than bytes come.
  try {
    array.bytes.reserve(count);
  } catch (const std::exception&) {
    fail("idx file ", path, ": its header says ", array.shape, " = ", count, " bytes, more than the memory holds");
  }
  constexpr std::size_t chunk = 1 << 20;
  while (array.bytes.size() < count) {
    const std::size_t begin = array.bytes.size(), wanted = std::min(chunk, count - begin);
    array.bytes.resize(begin + wanted);
    const std::size_t got = file.read(array.bytes.data() + begin, wanted);
    require(got == wanted, "idx file ", path, ": its header says ", array.shape, " = ", count, " bytes, got ",
            begin + got);
  }
  // Asking for one byte more also makes zlib look at the checksum.
  std::uint8_t extra = 0;
  require(file.read(&extra, 1) == 0, "idx file ", path, ": its header says ", array.shape, " = ", count,
          " bytes, got more");
  return array;
}

/// Writes `shape.size()` bytes as a plain IDX file. Throws Error when it cannot be written, an extent needs more than
/// 32 bits or the rank is 0.
inline void write_idx(const std::filesystem::path& path, const Shape& shape, const std::uint8_t* bytes) {
  require(shape.rank() > 0, "idx file ", path, ": expected a rank of at least 1, got a scalar");
  std::string header;
  const auto word = [&](std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(value >> shift & 0xff);
  };
  word(0x800 | static_cast<std::uint32_t>(shape.rank()));
  for (const Index extent : shape) {
    require(extent <= std::numeric_limits<std::uint32_t>::max(), "idx file ", path, ": ", shape,
            " has an extent of more than 32 bits");
    word(static_cast<std::uint32_t>(extent));
  }
  FileWriter file(path);
  file.write(header);
  file.write(bytes, static_cast<std::size_t>(shape.size()));
  file.commit();
}

}  // namespace rival
