#pragma once
// NumPy's .npy files: a tensor a file.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>

#include "rival/core/file.hpp"
#include "rival/core/tensor.hpp"

namespace rival {

namespace internal {

/// What NumPy calls the type, in this machine's byte order: "|u1", "<f4", "<f8".
template <class T>
std::string npy_type() {
  static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, float> || std::is_same_v<T, double>,
                "npy files are written from and read as uint8_t, float and double");
  if constexpr (std::is_same_v<T, std::uint8_t>) return "|u1";
  return (std::endian::native == std::endian::little ? "<f" : ">f") + std::to_string(sizeof(T));
}

/// What follows `'key':` in the header's Python dictionary; empty if the key is not there.
inline std::string npy_entry(const std::string& header, const std::string& key) {
  auto begin = header.find("'" + key + "'");
  if (begin == std::string::npos) return "";
  begin = header.find(':', begin);
  begin = header.find_first_not_of(": ", begin);
  if (begin == std::string::npos) return "";
  const auto end = header.find_first_of(header[begin] == '(' ? ")" : ",}", begin);
  return header.substr(begin, end == std::string::npos ? end : end - begin);
}

}  // namespace internal

/// Writes a tensor of bytes, floats or doubles as an .npy file (format 1.0, C order). Throws Error, and leaves an
/// earlier file as it was, when it cannot be written.
template <class T>
void write_npy(const std::filesystem::path& path, const Tensor<T>& tensor) {
  std::string shape;
  for (const Index extent : tensor.shape()) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
  if (tensor.rank() == 1) shape += ',';
  std::string header =
      "{'descr': '" + internal::npy_type<T>() + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');  // the values begin at a multiple of 64 bytes
  header += '\n';
  const char start[10] = {'\x93',
                          'N',
                          'U',
                          'M',
                          'P',
                          'Y',
                          1,
                          0,
                          static_cast<char>(header.size() & 0xff),
                          static_cast<char>(header.size() >> 8)};
  FileWriter file(path);
  file.write(start, sizeof start);
  file.write(header);
  file.write(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(T));
  file.commit();
}

/// Reads an .npy file of Ts in C order and this machine's byte order. Throws Error for any other, and for a file that
/// is missing, too short or too long.
template <class T>
Tensor<T> read_npy(const std::filesystem::path& path) {
  internal::require_file("npy file", path);
  const internal::File file(std::fopen(path.string().c_str(), "rb"));
  require(file != nullptr, "npy file ", path, ": cannot be opened (", std::strerror(errno), ")");
  const auto read = [&](void* out, std::size_t bytes) {
    require(std::fread(out, 1, bytes, file.get()) == bytes, "npy file ", path, ": ends inside its header");
  };
  unsigned char start[8], length[4] = {};
  read(start, sizeof start);
  require(std::string_view(reinterpret_cast<char*>(start), 6) == "\x93NUMPY", "npy file ", path,
          ": it does not begin as npy files do");
  const bool first = start[6] == 1;  // format 1.0 has two bytes of header length, later ones four
  read(length, first ? 2 : 4);
  const std::uint32_t header_size =
      length[0] | std::uint32_t{length[1]} << 8 | std::uint32_t{length[2]} << 16 | std::uint32_t{length[3]} << 24;
  require(header_size <= 1 << 16, "npy file ", path, ": expected a header of at most 65536 bytes, got ", header_size);
  std::string header(header_size, ' ');
  read(header.data(), header_size);

  const std::string type = internal::npy_entry(header, "descr");
  const std::string wanted = internal::concatenate("'", internal::npy_type<T>(), "'");
  require(type == wanted, "npy file ", path, ": expected values of type ", wanted, ", got ", type);
  require(internal::npy_entry(header, "fortran_order") == "False", "npy file ", path,
          ": expected C order, got Fortran's");
  const std::string extents = internal::npy_entry(header, "shape");
  require(!extents.empty() && extents[0] == '(', "npy file ", path, ": expected a shape, got ", header);
  require(extents.find_first_not_of("(0123456789, ") == std::string::npos, "npy file ", path,
          ": expected a shape of whole numbers, got ", extents, ")");
  Shape shape;
  try {
    for (std::size_t at = 1, end; (at = extents.find_first_of("0123456789", at)) != std::string::npos; at = end) {
      end = std::min(extents.find_first_not_of("0123456789", at), extents.size());
      shape.push_back(std::stoll(extents.substr(at, end - at)));
    }
  } catch (const std::exception&) {
    fail("npy file ", path, ": its shape ", extents, ") has more elements or axes than a tensor can have");
  }

  const std::uintmax_t size = std::filesystem::file_size(path), before = 8 + (first ? 2u : 4u) + header_size;
  const auto count = static_cast<std::uintmax_t>(shape.size());
  require((size - before) / sizeof(T) == count && (size - before) % sizeof(T) == 0, "npy file ", path, ": expected ",
          shape, " values of ", sizeof(T), " bytes, got ", size - before, " bytes");
  Tensor<T> tensor;
  tensor.resize(shape);
  require(std::fread(tensor.data(), sizeof(T), count, file.get()) == count, "npy file ", path, ": cannot be read");
  return tensor;
}

}  // namespace rival
