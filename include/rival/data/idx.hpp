#pragma once
// IDX, the format of the MNIST files: a magic number, the extents, the values. Plain or gzipped. Needs zlib.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <iomanip>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/file.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/core/shape.hpp"
#include "rival/data/gzip.hpp"

namespace rival {

/// What the values of an IDX file are; the numbers are the format's own.
enum class IdxType : std::uint8_t {
  unsigned_byte = 0x08,  ///< 0 to 255
  signed_byte = 0x09,    ///< -128 to 127
  int16 = 0x0b,          ///< signed, of 16 bits
  int32 = 0x0c,          ///< signed, of 32 bits
  float32 = 0x0d,        ///< IEEE single precision
  float64 = 0x0e         ///< IEEE double precision
};

/// Bytes of a value.
constexpr Index idx_size(IdxType type) {
  switch (type) {
    case IdxType::int16:
      return 2;
    case IdxType::int32:
    case IdxType::float32:
      return 4;
    case IdxType::float64:
      return 8;
    default:
      return 1;
  }
}

/// What an IDX file holds.
struct IdxArray {
  Shape shape;                            ///< all axes, the samples' own first
  std::vector<std::uint8_t> bytes;        ///< of shape.size() values, row by row, as this machine orders their bytes
  IdxType type = IdxType::unsigned_byte;  ///< of a value in the file

  /// The values as Ts. Throws Error for one that a whole number T cannot hold, and when floats are to become whole
  /// numbers.
  template <class T>
  std::vector<T> values() const {
    require(!std::is_integral_v<T> || (type != IdxType::float32 && type != IdxType::float64),
            "idx: expected values that are whole numbers, got floats");
    const auto read = [&]<class From>(From) {
      std::vector<T> all(static_cast<std::size_t>(shape.size()));
      for (std::size_t i = 0; i < all.size(); ++i) {
        From value;
        std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
        if constexpr (std::is_integral_v<T> && std::is_integral_v<From>)
          require(std::in_range<T>(value), "idx: expected values from ", +std::numeric_limits<T>::min(), " to ",
                  +std::numeric_limits<T>::max(), ", got ", +value, " at place ", i);
        all[i] = static_cast<T>(value);
      }
      return all;
    };
    switch (type) {
      case IdxType::signed_byte:
        return read(std::int8_t{});
      case IdxType::int16:
        return read(std::int16_t{});
      case IdxType::int32:
        return read(std::int32_t{});
      case IdxType::float32:
        return read(float{});
      case IdxType::float64:
        return read(double{});
      default:
        return read(std::uint8_t{});
    }
  }
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

/// The bytes of an IDX file, unpacked as they are read if they are gzip.
class IdxStream {
 public:
  IdxStream(ByteSource& source, std::string what) : source_(source), what_(std::move(what)) {
    std::array<char, 4> start{};
    const std::size_t got = source_.read(start.data(), start.size());
    require(got > 0, what_, ": it is empty");
    start_.assign(start.data(), got);
    if (begins_as_gzip(start_)) gunzip_.emplace(source_, std::exchange(start_, {}), what_);
  }

  const std::string& what() const { return what_; }
  bool packed() const { return gunzip_.has_value(); }
  /// Of the file as it is, packed or not.
  std::uint64_t size() const { return source_.size(); }

  /// Reads `count` bytes, or fewer where the file ends.
  std::size_t read(void* out, std::size_t count) {
    if (gunzip_) return gunzip_->read(out, count);
    const std::size_t first = start_.copy(static_cast<char*>(out), count);
    start_.erase(0, first);
    return first + source_.read(static_cast<char*>(out) + first, count - first);
  }

  /// At most so many of the next bytes, where there are any; for the text of an error.
  std::size_t peek(void* out, std::size_t count) {
    try {
      return read(out, count);
    } catch (const Error&) {
      return 0;
    }
  }

  std::uint32_t read_word(std::string_view of) {
    std::array<std::uint8_t, 4> word{};
    const std::size_t got = read(word.data(), word.size());
    require(got == word.size(), what_, ": expected 4 bytes of ", of, ", got ", got);
    return std::uint32_t{word[0]} << 24 | std::uint32_t{word[1]} << 16 | std::uint32_t{word[2]} << 8 | word[3];
  }

 private:
  ByteSource& source_;
  std::string what_, start_;
  std::optional<Gunzip> gunzip_;
};

/// The files hold the highest byte of a value first; this turns it to what this machine has, and back.
inline void reorder_bytes(std::vector<std::uint8_t>& bytes, std::size_t width) {
  if (width == 1 || std::endian::native == std::endian::big) return;
  for (std::size_t i = 0; i + width <= bytes.size(); i += width) std::reverse(&bytes[i], &bytes[i] + width);
}

template <class T>
constexpr IdxType idx_type() {
  if constexpr (std::is_same_v<T, std::int8_t>)
    return IdxType::signed_byte;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return IdxType::int16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return IdxType::int32;
  else if constexpr (std::is_same_v<T, float>)
    return IdxType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return IdxType::float64;
  else {
    static_assert(std::is_same_v<T, std::uint8_t>,
                  "IDX files hold int8_t, uint8_t, int16_t, int32_t, float and double");
    return IdxType::unsigned_byte;
  }
}

inline Shape read_idx_shape(IdxStream& file, Index rank, IdxType& type) {
  const std::string& what = file.what();
  const std::uint32_t magic = file.read_word("a magic number");
  const auto axes = static_cast<Index>(magic & 0xff);
  type = static_cast<IdxType>(magic >> 8 & 0xff);
  const bool known =
      magic >> 16 == 0 && (magic >> 8 == 8 || magic >> 8 == 9 || (magic >> 8 >= 0xb && magic >> 8 <= 0xe));
  if (!known || axes < 1 || axes > Shape::max_rank || (rank > 0 && axes != rank)) {
    std::array<char, 64> more{};
    std::string start;
    for (int shift = 24; shift >= 0; shift -= 8) start += static_cast<char>(magic >> shift & 0xff);
    if (!known) start.append(more.data(), file.peek(more.data(), more.size()));
    std::string guess;
    if (known && rank == 3 && axes == 1) guess = " (these are labels)";
    if (known && rank == 1 && axes > 1) guess = " (these are pictures)";
    if (!known) guess = start.starts_with("\x1f\x8b") ? " (it is gzip within gzip: unpack it once)" : guess_file(start);
    if (rank > 0)
      fail(what, ": expected the magic number ", Hexadecimal{0x800 | static_cast<std::uint32_t>(rank)},
           " (unsigned bytes, rank ", rank, ") or that of another type, got ", Hexadecimal{magic}, guess);
    fail(what, ": expected a magic number 0x00000TRR of a type T from 8 to e and a rank from 1 to ", Shape::max_rank,
         ", got ", Hexadecimal{magic}, guess);
  }
  Shape shape;
  for (Index axis = 0; axis < axes; ++axis) {
    const auto extent = static_cast<Index>(file.read_word("an extent"));
    const Index product = shape.size();
    require(product == 0 || extent <= std::numeric_limits<Index>::max() / product, what, ": its header says ", shape,
            "x", extent, ", more elements than an index can count");
    shape.push_back(extent);
  }
  return shape;
}

inline IdxArray read_idx_from(ByteSource& source, Index rank, const std::string& what) {
  IdxStream file(source, what);
  IdxArray array;
  array.shape = read_idx_shape(file, rank, array.type);

  const Index width = idx_size(array.type);
  require(array.shape.size() <= std::numeric_limits<Index>::max() / width, what, ": its header says ", array.shape,
          " values of ", width, " bytes, more than an index can count");
  const auto count = static_cast<std::size_t>(array.shape.size() * width);
  const std::uint64_t size = file.size(), header = static_cast<std::uint64_t>(4 + 4 * array.shape.rank());
  const std::string says = concatenate(what, ": its header says ", array.shape,
                                       width > 1 ? concatenate(" of ", width, " bytes") : "", " = ", count, " bytes, ");
  if (file.packed())
    require(count / most_that_deflate_packs <= size, says, "more than ", size, " bytes of gzip can hold");
  else
    require(size - header == count, says, "got ", size - header,
            size - header < count ? " (a download that broke off?)" : "");

  // Reserved memory costs nothing until it is written to, and that happens no faster than bytes come.
  try {
    array.bytes.reserve(count);
  } catch (const std::exception&) {
    fail(says, "more than the memory holds");
  }
  constexpr std::size_t chunk = 1 << 20;
  while (array.bytes.size() < count) {
    const std::size_t begin = array.bytes.size(), wanted = std::min(chunk, count - begin);
    array.bytes.resize(begin + wanted);
    const std::size_t got = file.read(array.bytes.data() + begin, wanted);
    require(got == wanted, says, "got ", begin + got);
  }
  // Asking for one byte more also makes zlib look at the checksum.
  std::uint8_t extra = 0;
  require(file.read(&extra, 1) == 0, says, "got more");
  reorder_bytes(array.bytes, static_cast<std::size_t>(width));
  return array;
}

}  // namespace internal

/// Reads an IDX file of any type, plain or gzipped (its content tells, not its name). `rank` is the number of axes that
/// is expected: 3 for images, 1 for labels, 0 for any.
///
/// Throws Error for a file that is missing, of another kind, damaged, too short or too long. A header is not believed
/// before the size of the file supports it, so a false one costs no memory.
inline IdxArray read_idx(const std::filesystem::path& path, Index rank = 0) {
  internal::FileSource file("idx file", path);
  return internal::read_idx_from(file, rank, file.what());
}

/// The same from bytes in memory. Errors begin with `what`.
inline IdxArray parse_idx(std::string_view bytes, Index rank = 0, const std::string& what = "idx") {
  internal::MemorySource memory(bytes);
  return internal::read_idx_from(memory, rank, what);
}

/// Writes `shape.size()` values as a plain IDX file: bytes with or without sign, 16- and 32-bit integers, floats or
/// doubles. Throws Error when it cannot be written, an extent needs more than 32 bits or the rank is 0.
template <class T>
void write_idx(const std::filesystem::path& path, const Shape& shape, const T* values) {
  require(shape.rank() > 0, "idx file ", path, ": expected a rank of at least 1, got a scalar");
  std::string header;
  const auto word = [&](std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(value >> shift & 0xff);
  };
  word(static_cast<std::uint32_t>(internal::idx_type<T>()) << 8 | static_cast<std::uint32_t>(shape.rank()));
  for (const Index extent : shape) {
    require(extent <= std::numeric_limits<std::uint32_t>::max(), "idx file ", path, ": ", shape,
            " has an extent of more than 32 bits");
    word(static_cast<std::uint32_t>(extent));
  }
  FileWriter file(path);
  file.write(header);
  const auto count = static_cast<std::size_t>(shape.size());
  if constexpr (sizeof(T) == 1) {
    file.write(values, count);
  } else {
    std::vector<std::uint8_t> bytes(count * sizeof(T));
    if (count > 0) std::memcpy(bytes.data(), values, bytes.size());
    internal::reorder_bytes(bytes, sizeof(T));
    file.write(bytes.data(), bytes.size());
  }
  file.commit();
}

}  // namespace rival
