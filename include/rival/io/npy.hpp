#pragma once
// NumPy's .npy files: a tensor a file.
//
//     \x93NUMPY     then the format's version (1.0, 2.0 or 3.0) in two bytes
//     length        of the header, little endian, in two bytes for 1.0 and four for later ones
//     header        a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//     the values    row by row, or column by column in Fortran order
//
// The format's own page: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/file.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

/// What can be written to NumPy's files, and is read from them.
template <class T>
concept NpyValue =
    std::same_as<T, std::uint8_t> || std::same_as<T, std::int64_t> || std::same_as<T, float> || std::same_as<T, double>;

/// A tensor of whichever of these types a file holds.
using NpyArray = std::variant<Tensor<std::uint8_t>, Tensor<std::int64_t>, Tensor<float>, Tensor<double>>;

namespace internal {

/// NumPy's name of the type, and how a file's header says it behind the byte order.
template <NpyValue T>
struct NpyType;
template <>
struct NpyType<std::uint8_t> {
  static constexpr std::string_view name = "uint8", code = "u1";
};
template <>
struct NpyType<std::int64_t> {
  static constexpr std::string_view name = "int64", code = "i8";
};
template <>
struct NpyType<float> {
  static constexpr std::string_view name = "float32", code = "f4";
};
template <>
struct NpyType<double> {
  static constexpr std::string_view name = "float64", code = "f8";
};

/// What a header says.
struct NpyHeader {
  char byte_order = '|';  ///< '<' little endian, '>' big endian, '|' where there is none
  std::string type;       ///< behind the byte order, such as "f4"
  bool fortran_order = false;
  Shape shape;
};

/// Reads a Python dictionary with the keys 'descr' (a string), 'fortran_order' (True or False) and 'shape' (a tuple of
/// numbers), each once and in any order, and nothing else but spaces.
class NpyHeaderParser {
 public:
  NpyHeaderParser(const std::string& what, std::string_view text) : what_(what), text_(text) {}

  /// Throws Error for any other text.
  NpyHeader parse() {
    bool type = false, order = false, extents = false;
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(type, true))
        read_type();
      else if (key == "fortran_order" && !std::exchange(order, true))
        header_.fortran_order = truth();
      else if (key == "shape" && !std::exchange(extents, true))
        read_shape();
      else
        refuse(dictionary);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (!type || !order || !extents || at_ != text_.size()) refuse(dictionary);
    return header_;
  }

 private:
  static constexpr std::string_view dictionary = "a dictionary of 'descr', 'fortran_order' and 'shape'";

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool take(char wanted) {
    skip();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) refuse(dictionary);
  }
  std::string_view quoted() {
    skip();
    const char mark = at_ < text_.size() ? text_[at_] : ' ';
    if (mark != '\'' && mark != '"') refuse(dictionary);
    const std::size_t begin = at_ + 1, end = text_.find(mark, begin);
    if (end == std::string_view::npos) refuse(dictionary);
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }
  void read_type() {
    skip();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '('))
      fail(what_, ": expected an array of numbers, got one of a structured type");
    const std::string_view descr = quoted();
    if (descr.size() < 2 || std::string_view("<>|").find(descr[0]) == std::string_view::npos)
      refuse("a type such as '<f4'");
    if (descr[1] == 'O') fail(what_, ": expected an array of numbers, got one of Python objects, which are pickled");
    header_.byte_order = descr[0];
    header_.type = descr.substr(1);
  }
  bool truth() {
    skip();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    refuse("True or False for 'fortran_order'");
  }
  /// (), (2,), (2, 3) or (2, 3,): a single number has its comma.
  void read_shape() {
    skip();
    const std::size_t begin = at_;
    if (!take('(')) refuse("a shape of whole numbers");
    bool comma = true;
    Index elements = 1;  // without the zeros, so that a zero does not hide what overflows
    while (!take(')')) {
      if (!comma) refuse("a shape of whole numbers");
      const Index extent = number(begin);
      if (header_.shape.rank() == Shape::max_rank ||
          (extent > 0 && elements > std::numeric_limits<Index>::max() / extent))
        too_large(begin);
      elements *= std::max<Index>(extent, 1);
      header_.shape.push_back(extent);
      comma = take(',');
    }
    if (header_.shape.rank() == 1 && !comma) refuse("a shape of whole numbers");
  }
  Index number(std::size_t shape_begin) {
    skip();
    const std::size_t begin = at_;
    Index value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const Index digit = text_[at_] - '0';
      if (value > (std::numeric_limits<Index>::max() - digit) / 10) too_large(shape_begin);
      value = 10 * value + digit;
    }
    if (at_ == begin || (text_[begin] == '0' && at_ > begin + 1)) refuse("a shape of whole numbers");
    return value;
  }
  [[noreturn]] void too_large(std::size_t begin) const {
    const std::string_view rest = text_.substr(begin);
    fail(what_, ": its shape ", printable(rest.substr(0, rest.find(')'))),
         ") has more elements or axes than a tensor can have");
  }
  [[noreturn]] void refuse(std::string_view expected) const {
    fail(what_, ": expected ", expected, ", got ", printable(text_));
  }
  /// As one short line.
  static std::string printable(std::string_view text) {
    constexpr std::size_t most = 200;
    const std::size_t last = text.find_last_not_of(" \n");
    text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    std::string line(text.substr(0, most));
    for (char& c : line)
      if (c < ' ' || c > '~') c = '?';
    return text.size() > most ? line + "..." : line;
  }

  const std::string& what_;
  std::string_view text_;
  std::size_t at_ = 0;
  NpyHeader header_;
};

/// What comes in front of the values that are written: format 1.0, C order, this machine's byte order.
template <NpyValue T>
std::string npy_start(const Shape& shape) {
  std::string extents;
  for (const Index extent : shape) extents += (extents.empty() ? "" : ", ") + std::to_string(extent);
  if (shape.rank() == 1) extents += ',';
  const char order = sizeof(T) == 1 ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  std::string header =
      concatenate("{'descr': '", order, NpyType<T>::code, "', 'fortran_order': False, 'shape': (", extents, "), }");
  header.append(63 - (10 + header.size()) % 64, ' ');  // the values begin at a multiple of 64 bytes
  header += '\n';
  std::string start = "\x93NUMPY\x01";
  for (const std::size_t byte : {std::size_t{0}, header.size() & 0xff, header.size() >> 8})
    start += static_cast<char>(byte);
  return start + header;
}

/// What a file that does not begin as npy files do may be; for the end of an error.
inline std::string guess_npy(std::string_view start) {
  if (start.starts_with("PK")) return " (it is a zip archive, perhaps an npz file: use read_npz)";
  if (start.starts_with('\x80')) return " (it is a pickle, which is not read: save the array by numpy.save)";
  return guess_file(start);
}

/// Reads all up to the values.
inline NpyHeader read_npy_header(ByteSource& source, const std::string& what, std::uint64_t& bytes_read) {
  const auto read = [&](void* out, std::size_t count) {
    const std::size_t got = source.read(out, count);
    bytes_read += got;
    return got;
  };
  const auto read_whole = [&](void* out, std::size_t count) {
    require(read(out, count) == count, what, ": ends inside its header");
  };
  std::array<char, 8> start{};
  const std::string_view begins(start.data(), read(start.data(), start.size())), magic = "\x93NUMPY";
  if (begins.substr(0, 6) != magic.substr(0, begins.size())) {
    std::string more(begins);
    more.resize(64);
    more.resize(begins.size() + read(more.data() + begins.size(), more.size() - begins.size()));
    fail(what, ": it does not begin as npy files do", guess_npy(more));
  }
  require(begins.size() == start.size(), what, ": ends inside its header");
  require(start[6] >= 1 && start[6] <= 3 && start[7] == 0, what, ": expected format 1.0, 2.0 or 3.0, got ",
          +static_cast<unsigned char>(start[6]), ".", +static_cast<unsigned char>(start[7]));
  std::array<unsigned char, 4> length{};
  read_whole(length.data(), start[6] == 1 ? 2 : 4);
  const std::uint32_t header_size =
      length[0] | std::uint32_t{length[1]} << 8 | std::uint32_t{length[2]} << 16 | std::uint32_t{length[3]} << 24;
  constexpr std::uint32_t most_header = 1 << 16;  // of what a library needs for arrays of numbers, some hundred times
  require(header_size <= most_header, what, ": expected a header of at most ", most_header, " bytes, got ",
          header_size);
  require(header_size <= source.size() - bytes_read, what, ": ends inside its header");
  std::string header(header_size, ' ');
  read_whole(header.data(), header_size);
  return NpyHeaderParser(what, header).parse();
}

/// Fortran's order counts the first axis fastest, C's the last.
template <class T>
Tensor<T> from_fortran_order(const Tensor<T>& values) {
  const Shape& shape = values.shape();
  Tensor<T> out(shape);
  std::array<Index, Shape::max_rank> at{}, step{};
  Index before = 1;
  for (Index axis = 0; axis < shape.rank(); ++axis)
    step[static_cast<std::size_t>(axis)] = std::exchange(before, before * shape[axis]);
  for (Index i = 0, from = 0; i < out.size(); ++i) {
    out[i] = values[from];
    for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      from += step[a];
      if (++at[a] < shape[axis]) break;
      from -= step[a] * std::exchange(at[a], 0);
    }
  }
  return out;
}

template <NpyValue T>
Tensor<T> read_npy_values(ByteSource& source, const NpyHeader& header, std::uint64_t before, const std::string& what) {
  const std::uint64_t there = source.size() - before;
  const auto count = static_cast<std::uint64_t>(header.shape.size());
  // Only what is there is worth memory.
  require(there / sizeof(T) == count && there % sizeof(T) == 0, what, ": expected ", header.shape, " values of ",
          sizeof(T), " bytes, got ", there, " bytes");
  Tensor<T> values;
  values.resize(header.shape);
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T), got = source.read(values.data(), bytes);
  require(got == bytes, what, ": expected ", header.shape, " values of ", sizeof(T), " bytes, got ", got, " bytes");
  if (sizeof(T) > 1 && (header.byte_order == '<') != (std::endian::native == std::endian::little)) {
    auto* byte = reinterpret_cast<unsigned char*>(values.data());
    for (std::size_t i = 0; i < bytes; i += sizeof(T)) std::reverse(byte + i, byte + i + sizeof(T));
  }
  return header.fortran_order ? from_fortran_order(values) : std::move(values);
}

/// Calls `use` with a value of the type that the header names.
template <class Use>
auto with_npy_type(const NpyHeader& header, const std::string& what, Use use) {
  const auto is = [&]<NpyValue T>(T) {
    return header.type == NpyType<T>::code && (sizeof(T) == 1 || header.byte_order != '|');
  };
  if (is(std::uint8_t{})) return use(std::uint8_t{});
  if (is(std::int64_t{})) return use(std::int64_t{});
  if (is(float{})) return use(float{});
  if (is(double{})) return use(double{});
  fail(what, ": expected values of type uint8, int64, float32 or float64, got '", header.byte_order, header.type, "'");
}

inline NpyArray read_npy_array_from(ByteSource& source, const std::string& what) {
  std::uint64_t before = 0;
  const NpyHeader header = read_npy_header(source, what, before);
  return with_npy_type(header, what,
                       [&]<NpyValue T>(T) -> NpyArray { return read_npy_values<T>(source, header, before, what); });
}

template <NpyValue T>
Tensor<T> read_npy_from(ByteSource& source, const std::string& what) {
  std::uint64_t before = 0;
  const NpyHeader header = read_npy_header(source, what, before);
  return with_npy_type(header, what, [&]<NpyValue There>(There) -> Tensor<T> {
    if constexpr (std::same_as<There, T>)
      return read_npy_values<T>(source, header, before, what);
    else
      fail(what, ": expected values of type ", NpyType<T>::name, ", got ", NpyType<There>::name);
  });
}

}  // namespace internal

/// Writes a tensor as an .npy file (format 1.0, C order, this machine's byte order). Throws Error, and leaves an
/// earlier file as it was, when it cannot be written.
template <NpyValue T>
void write_npy(const std::filesystem::path& path, const Tensor<T>& tensor) {
  FileWriter file(path);
  file.write(internal::npy_start<T>(tensor.shape()));
  file.write(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(T));
  file.commit();
}

/// Reads an .npy file of Ts, of any byte order. What is in Fortran order comes in C order. Throws Error for a file that
/// is missing, damaged, too short or too long, and for one of other values; objects are never unpickled.
template <NpyValue T>
Tensor<T> read_npy(const std::filesystem::path& path) {
  internal::FileSource file("npy file", path);
  return internal::read_npy_from<T>(file, file.what());
}

/// The same for whichever type the file holds.
inline NpyArray read_npy_array(const std::filesystem::path& path) {
  internal::FileSource file("npy file", path);
  return internal::read_npy_array_from(file, file.what());
}

/// The same from bytes in memory. Errors begin with `what`.
inline NpyArray parse_npy(std::string_view bytes, const std::string& what = "npy") {
  internal::MemorySource memory(bytes);
  return internal::read_npy_array_from(memory, what);
}

}  // namespace rival
