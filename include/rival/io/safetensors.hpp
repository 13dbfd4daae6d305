#pragma once
// safetensors: named tensors in one file, as Hugging Face's library writes them. Needs nlohmann-json (rival::json).
//
//     8 bytes       length of the header, little endian
//     header        JSON: {"__metadata__": {"key": "text"},
//                           "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
//     the values    row by row, little endian, without gaps; offsets count from the header's end
//
// The format's own page: https://huggingface.co/docs/safetensors

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/file.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/core/tensor.hpp"
#include "rival/io/json.hpp"

namespace rival {

/// The texts that a file carries beside its tensors.
using Metadata = std::map<std::string, std::string>;

namespace internal {

/// The format's types and the bits of a value.
struct SafetensorsType {
  std::string_view name;
  std::uint64_t bits;
};
inline constexpr std::array<SafetensorsType, 20> safetensors_types{
    {{"BOOL", 8},    {"U8", 8},   {"I8", 8},   {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F6_E2M3", 6},
     {"F6_E3M2", 6}, {"F4", 4},   {"U16", 16}, {"I16", 16},    {"F16", 16},    {"BF16", 16},   {"U32", 32},
     {"I32", 32},    {"F32", 32}, {"U64", 64}, {"I64", 64},    {"F64", 64},    {"C64", 64}}};

/// An unsigned number of the bytes at `at`, little endian.
template <class U>
U from_little_endian(const char* at) {
  U value = 0;
  for (std::size_t i = sizeof(U); i-- > 0;)
    value = static_cast<U>(value << (sizeof(U) > 1 ? 8 : 0) | static_cast<unsigned char>(at[i]));
  return value;
}

/// IEEE's half precision as a float, exactly.
inline float from_half(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000u} << 16, exponent = half >> 10 & 0x1fu,
                      fraction = half & 0x3ffu;
  if (exponent == 0) {  // zero and numbers below the normal ones: fraction * 2^-24
    const float size = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -size : size;
  }
  const std::uint32_t wide = exponent == 0x1f ? 0xffu : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

/// bfloat16 is the upper half of a float.
inline float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

}  // namespace internal

/// A safetensors file in memory, checked. What the reference implementation refuses is refused: a header over
/// 100,000,000 bytes or past the end, that is not UTF-8 or not JSON, with a name twice; values that do not begin at 0,
/// overlap, leave gaps or bytes behind them; sizes that overflow or are not shape times type.
class Safetensors {
 public:
  /// One tensor of the file.
  struct Entry {
    std::string type;         ///< such as "F32"
    Shape shape;              ///< {} for a scalar
    std::uint64_t begin = 0,  ///< its first byte, counted from the end of the header
        end = 0;              ///< one past its last, likewise
  };

  /// Reads a file. Throws Error when there is none or it is not a whole safetensors file.
  static Safetensors read(const std::filesystem::path& path) {
    internal::FileSource file("safetensors file", path);
    return parse(internal::read_whole(file), file.what());
  }

  /// The same from bytes in memory. Errors begin with `what`.
  static Safetensors parse(std::string bytes, std::string what = "safetensors") {
    Safetensors file;
    file.what_ = std::move(what);
    file.bytes_ = std::move(bytes);
    file.parse_header();
    return file;
  }

  /// How errors about this file begin: `safetensors file "a.safetensors"`.
  const std::string& what() const { return what_; }
  /// The texts beside the tensors; empty if there are none.
  const Metadata& metadata() const { return metadata_; }
  /// All names, in the order of their bytes.
  const std::vector<std::string>& names() const { return names_; }
  /// Whether there is a tensor of that name.
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }
  /// Throws Error when there is no tensor of that name.
  const Entry& entry(const std::string& name) const {
    const auto found = entries_.find(name);
    require(found != entries_.end(), what_, ": expected a tensor \"", name, "\", found none");
    return found->second;
  }

  /// The tensor of that name, of a floating-point type: F16, BF16 and F32 are widened to S where it is wider, F64 is
  /// rounded to a float S. An S of std::uint8_t reads U8. Throws Error when there is none, and for other types.
  template <class S = float>
  Tensor<S> tensor(const std::string& name) const {
    static_assert(std::is_same_v<S, float> || std::is_same_v<S, double> || std::is_same_v<S, std::uint8_t>);
    const Entry& at = entry(name);
    Tensor<S> values;
    values.resize(at.shape);
    const char* from = bytes_.data() + values_begin_ + at.begin;
    if constexpr (std::is_same_v<S, std::uint8_t>) {
      require(at.type == "U8", what_, ": tensor \"", name, "\": expected values of type U8, got ", at.type);
      std::copy_n(from, values.size(), values.data());
      return values;
    }
    const auto fill = [&]<class U>(U, auto convert) {
      for (Index i = 0; i < values.size(); ++i)
        values[i] = static_cast<S>(convert(internal::from_little_endian<U>(from + i * static_cast<Index>(sizeof(U)))));
    };
    if (at.type == "F32")
      fill(std::uint32_t{}, [](std::uint32_t bits) { return std::bit_cast<float>(bits); });
    else if (at.type == "F64")
      fill(std::uint64_t{}, [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    else if (at.type == "F16")
      fill(std::uint16_t{}, internal::from_half);
    else if (at.type == "BF16")
      fill(std::uint16_t{}, internal::from_bfloat16);
    else
      fail(what_, ": tensor \"", name, "\": expected values of type F16, BF16, F32 or F64, got ", at.type);
    return values;
  }

 private:
  static constexpr std::uint64_t most_header = 100'000'000;

  void parse_header() {
    require(bytes_.size() >= 8, what_, ": expected at least 8 bytes, got ", bytes_.size());
    const auto length = internal::from_little_endian<std::uint64_t>(bytes_.data());
    const auto guess = [&] {
      return bytes_.size() > 8 && bytes_[8] == '{' ? "" : internal::guess_file(bytes_);  // { begins such a file
    };
    if (length > most_header)
      fail(what_, ": expected a header of at most ", most_header, " bytes, got ", length, guess());
    if (length > bytes_.size() - 8)
      fail(what_, ": expected a header of ", length, " bytes, got ", bytes_.size() - 8, guess());
    if (length == 0 || bytes_[8] != '{') fail(what_, ": expected a header that begins with {", guess());
    values_begin_ = 8 + static_cast<std::size_t>(length);

    const Json header = parse_json(std::string_view(bytes_).substr(8, static_cast<std::size_t>(length)));
    for (const auto& [name, value] : header.members()) {
      if (name == "__metadata__")
        read_metadata(value);
      else
        entries_.emplace(name, read_entry(name, value));
    }
    check_offsets();
  }

  Json parse_json(std::string_view text) const {
    try {
      return Json::parse(text, 3);  // as deep as the format goes; a hundred million brackets would take gigabytes
    } catch (const JsonError& error) {
      fail(what_, ": its header is not JSON of three levels (", error.what(), ")");
    }
  }

  void read_metadata(const Json& value) {
    require(value.is_object(), what_, ": expected an object as __metadata__, got ", value.type());
    for (const auto& [key, text] : value.members()) {
      require(text.is_string(), what_, ": __metadata__: expected a text for \"", key, "\", got ", text.type());
      metadata_[key] = text.string();
    }
  }

  Entry read_entry(const std::string& name, const Json& value) const {
    const auto expect = [&](bool condition, std::string_view expected) {
      require(condition, what_, ": tensor \"", name, "\": expected ", expected);
    };
    const Json *type = value.find("dtype"), *shape = value.find("shape"), *offsets = value.find("data_offsets");
    expect(type != nullptr && shape != nullptr && offsets != nullptr, "dtype, shape and data_offsets");
    const auto are_sizes = [](const Json& json) {
      return json.is_list() && std::all_of(json.list().begin(), json.list().end(),
                                           [](const Json& e) { return e.is_whole<std::uint64_t>(); });
    };
    expect(type->is_string(), "a text as dtype");
    expect(are_sizes(*shape), "a list of whole numbers as shape");
    expect(are_sizes(*offsets) && offsets->list().size() == 2, "two whole numbers as data_offsets");

    Entry entry{type->string(), {}, offsets->at(0).whole<std::uint64_t>(), offsets->at(1).whole<std::uint64_t>()};
    const auto* known = std::find_if(internal::safetensors_types.begin(), internal::safetensors_types.end(),
                                     [&](const auto& t) { return t.name == entry.type; });
    require(known != internal::safetensors_types.end(), what_, ": tensor \"", name, "\": ", entry.type,
            " is no type of the format");
    expect(static_cast<Index>(shape->list().size()) <= Shape::max_rank,
           internal::concatenate("at most ", Shape::max_rank, " axes"));
    constexpr std::uint64_t most = std::numeric_limits<Index>::max();
    std::uint64_t bits = known->bits;
    for (const Json& axis : shape->list()) {
      const auto extent = axis.whole<std::uint64_t>();
      // Before the shape is built, so that a zero behind large extents does not hide their overflow.
      expect(extent <= most && (extent == 0 || bits <= most / extent), "a size that does not overflow");
      bits *= extent;
      entry.shape.push_back(static_cast<Index>(extent));
    }
    expect(entry.begin <= entry.end, "data_offsets that do not end before they begin");
    expect(bits % 8 == 0 && bits / 8 == entry.end - entry.begin,
           internal::concatenate(bits / 8, " bytes for its shape and type, got ", entry.end - entry.begin));
    return entry;
  }

  void check_offsets() {
    for (const auto& [name, entry] : entries_) names_.push_back(name);
    std::stable_sort(names_.begin(), names_.end(), [&](const std::string& a, const std::string& b) {
      const Entry &x = entries_.at(a), &y = entries_.at(b);
      return std::pair(x.begin, x.end) < std::pair(y.begin, y.end);
    });
    std::uint64_t next = 0;
    for (const std::string& name : names_) {
      const Entry& entry = entries_.at(name);
      require(entry.begin == next, what_, ": tensor \"", name, "\": expected values that begin at ", next, ", got ",
              entry.begin);
      next = entry.end;
    }
    const std::uint64_t bytes = bytes_.size() - values_begin_;
    require(next == bytes, what_, ": expected ", next, " bytes of values, got ", bytes);
  }

  std::string what_, bytes_;
  std::size_t values_begin_ = 0;
  Metadata metadata_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> names_;
};

/// What `write_safetensors` writes: a tensor under a name. The tensor is the caller's.
struct NamedTensor {
  std::string name;  ///< none that another one has
  std::variant<const Tensor<float>*, const Tensor<double>*, const Tensor<std::uint8_t>*> tensor;  ///< not null
};

/// Writes tensors as F32, F64 or U8, one behind the other, and `metadata` beside them. The same tensors give the same
/// bytes. Throws Error, and leaves an earlier file as it was, for a name that is empty, `__metadata__`, not UTF-8 or
/// there twice, and when the file cannot be written.
inline void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                              const Metadata& metadata = {}) {
  Json header(Json::Members{});
  std::set<std::string_view> names;
  if (!metadata.empty()) header.add("__metadata__", Json::members_of(metadata));
  std::uint64_t offset = 0;
  for (const auto& [name, any] : tensors) {
    require(!name.empty() && name != "__metadata__" && names.insert(name).second, "safetensors file ", path,
            ": expected names that differ, got \"", name, "\"");
    std::visit(
        [&, &key = name](const auto* tensor) {
          constexpr std::size_t size = sizeof(*tensor->data());
          const std::uint64_t end = offset + static_cast<std::uint64_t>(tensor->size()) * size;
          header.add(key, Json()
                              .add("dtype", size == 1   ? "U8"
                                            : size == 4 ? "F32"
                                                        : "F64")
                              .add("shape", Json::list_of(tensor->shape()))
                              .add("data_offsets", Json::List{offset, end}));
          offset = end;
        },
        any);
  }
  std::string text;
  try {
    text = header.text();
  } catch (const JsonError& error) {
    fail("safetensors file ", path, ": expected names and metadata in UTF-8 (", error.what(), ")");
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // so that values are aligned

  FileWriter file(path);
  const auto write_number = [&](auto bits) {
    char bytes[sizeof bits];
    for (std::size_t i = 0; i < sizeof bits; ++i) bytes[i] = static_cast<char>(bits >> (8 * i) & 0xff);
    file.write(bytes, sizeof bytes);
  };
  write_number(static_cast<std::uint64_t>(text.size()));
  file.write(text);
  const auto write_values = [&]<class S>(const Tensor<S>* tensor) {
    if constexpr (std::endian::native == std::endian::little || sizeof(S) == 1) {
      file.write(tensor->data(), static_cast<std::size_t>(tensor->size()) * sizeof(S));
    } else {
      using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
      for (Index i = 0; i < tensor->size(); ++i) write_number(std::bit_cast<Bits>((*tensor)[i]));
    }
  };
  for (const auto& named : tensors) std::visit(write_values, named.tensor);
  file.commit();
}

}  // namespace rival
