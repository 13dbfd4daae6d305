#pragma once
// NumPy's .npz files: named tensors in a zip archive, each as an .npy file. Needs libzip (rival::zip).

#include <zip.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/file.hpp"
#include "rival/core/file_guess.hpp"
#include "rival/io/npy.hpp"

namespace rival {

/// What `write_npz` writes: a tensor under a name. The tensor is the caller's.
struct NamedNpyArray {
  std::string name;  ///< in the archive, without the ending .npy
  std::variant<const Tensor<std::uint8_t>*, const Tensor<std::int64_t>*, const Tensor<float>*, const Tensor<double>*>
      tensor;  ///< not null
};

/// What `read_npz` reads: arrays by name.
using NpzArrays = std::map<std::string, NpyArray>;

/// How the arrays of an archive are stored.
enum class NpzPacking {
  stored,   ///< as np.savez
  deflated  ///< as np.savez_compressed
};

namespace internal {

struct DiscardZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using ZipArchive = std::unique_ptr<zip_t, DiscardZip>;
struct FreeZipSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using ZipSource = std::unique_ptr<zip_source_t, FreeZipSource>;
struct CloseZipFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError() { zip_error_fini(&error_); }
  operator zip_error_t*() { return &error_; }

 private:
  zip_error_t error_;
};

/// Throws what libzip's error is: bad_alloc, or Error.
[[noreturn]] inline void fail_zip(const std::string& what, zip_error_t* error) {
  if (zip_error_code_zip(error) == ZIP_ER_MEMORY) throw std::bad_alloc();
  fail(what, ": ", zip_error_strerror(error));
}

/// What a source is that is no archive; for the end of an error. One that begins as an archive is not a whole one.
inline std::string guess_source(zip_source_t* source) {
  std::array<char, 64> start{};
  if (zip_source_open(source) != 0) return "";
  const zip_int64_t got = zip_source_read(source, start.data(), start.size());
  zip_source_close(source);
  const std::string_view begins(start.data(), static_cast<std::size_t>(std::max<zip_int64_t>(got, 0)));
  return begins.starts_with("PK") ? "" : guess_file(begins);
}

/// One entry of an archive, unpacked as it is read.
class ZipEntrySource : public ByteSource {
 public:
  ZipEntrySource(zip_t* archive, const zip_stat_t& entry, std::string what)
      : what_(std::move(what)), size_(entry.size), file_(zip_fopen_index(archive, entry.index, 0)) {
    if (!file_) fail_zip(what_, zip_get_error(archive));
  }
  std::uint64_t size() const override { return size_; }
  std::size_t read(void* out, std::size_t count) override {
    std::size_t done = 0;
    while (done < count) {
      const zip_int64_t got = zip_fread(file_.get(), static_cast<char*>(out) + done, count - done);
      if (got < 0) fail_zip(what_, zip_file_get_error(file_.get()));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  std::string what_;
  std::uint64_t size_;
  std::unique_ptr<zip_file_t, CloseZipFile> file_;
};

/// The name that an entry has for NumPy: without its ".npy".
inline std::string npz_name(const std::string& what, std::string_view entry) {
  constexpr std::string_view ending = ".npy";
  require(entry.ends_with(ending) && entry.size() > ending.size(), what, ": expected entries called NAME.npy, got \"",
          entry, "\"");
  return std::string(entry.substr(0, entry.size() - ending.size()));
}

/// `size` are the bytes of the whole archive, which must be able to hold what it says.
inline NpzArrays read_npz_from(zip_t* archive, std::uint64_t size, const std::string& what) {
  NpzArrays arrays;
  const auto count = static_cast<zip_uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive, 0), 0));
  std::uint64_t packed = 0;
  for (zip_uint64_t i = 0; i < count; ++i) {
    zip_stat_t entry;
    if (zip_stat_index(archive, i, 0, &entry) != 0) fail_zip(what, zip_get_error(archive));
    constexpr zip_uint64_t needed =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    require((entry.valid & needed) == needed, what, ": its entry ", i, " says no name, size or method");
    const std::string name = npz_name(what, entry.name), where = concatenate(what, ": \"", name, "\"");
    require(!arrays.contains(name), what, ": it has two arrays called \"", name, "\"");
    require(entry.encryption_method == ZIP_EM_NONE, where, ": expected an entry that is not encrypted");
    require(entry.comp_method == ZIP_CM_STORE || entry.comp_method == ZIP_CM_DEFLATE, where,
            ": expected an entry that is stored or deflated, got method ", entry.comp_method);
    // Entries that lie upon each other, or say more than their bytes can hold, would take memory without end.
    require(entry.comp_size <= size - packed, where, ": its ", entry.comp_size,
            " bytes and those before are more than ", size, " bytes of archive hold");
    packed += entry.comp_size;
    if (entry.comp_method == ZIP_CM_STORE)
      require(entry.size == entry.comp_size, where, ": expected ", entry.size, " bytes, got ", entry.comp_size);
    else
      require(entry.size / most_that_deflate_packs <= entry.comp_size, where, ": its ", entry.size,
              " bytes are more than ", entry.comp_size, " bytes can hold");
    ZipEntrySource source(archive, entry, where);
    NpyArray array = read_npy_array_from(source, where);
    // Asking for one byte more also makes libzip look at the checksum.
    char extra = 0;
    require(source.read(&extra, 1) == 0, where, ": has more bytes than it says");
    arrays.emplace(name, std::move(array));
  }
  return arrays;
}

inline NpzArrays read_npz_from(zip_source_t* made, ZipError& error, std::uint64_t size, const std::string& what) {
  ZipSource source(made);
  if (!source) fail_zip(what, error);
  require(size > 0, what, ": it is empty");  // which would do as an empty archive
  const ZipArchive archive(zip_open_from_source(source.get(), ZIP_RDONLY, error));
  if (!archive && zip_error_code_zip(error) == ZIP_ER_NOZIP)
    fail(what, ": it is no zip archive, or not a whole one", guess_source(source.get()));
  if (!archive) fail_zip(what, error);
  source.release();  // the archive's now
  return read_npz_from(archive.get(), size, what);
}

}  // namespace internal

/// Writes tensors as an .npz file, each as the entry NAME.npy:
///
///     write_npz("digits.npz", {{"images", &images}, {"labels", &labels}}, NpzPacking::deflated);
///
/// The same tensors give the same bytes: all entries have the date that NumPy gives them, 1 January 1980. The archive
/// is made in memory. Throws Error, and leaves an earlier file as it was, when there is no tensor, for a name that is
/// empty, not UTF-8, longer than 65,531 bytes or there twice, and when the file cannot be written.
inline void write_npz(const std::filesystem::path& path, const std::vector<NamedNpyArray>& arrays,
                      NpzPacking packing = NpzPacking::stored) {
  const std::string what = internal::concatenate("npz file ", path);
  require(!arrays.empty(), what, ": expected at least one tensor, got none");
  internal::ZipError error;
  const internal::ZipSource made(zip_source_buffer_create(nullptr, 0, 0, error));
  if (!made) internal::fail_zip(what, error);
  internal::ZipArchive archive(zip_open_from_source(made.get(), ZIP_CREATE | ZIP_TRUNCATE, error));
  if (!archive) internal::fail_zip(what, error);
  zip_source_keep(made.get());  // the archive frees it once, and its bytes are wanted
  const auto check = [&](bool good) {
    if (!good) internal::fail_zip(what, zip_get_error(archive.get()));
  };

  std::vector<std::string> starts(arrays.size());  // which the archive reads when it is closed
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const auto& [name, tensor] = arrays[i];
    require(!name.empty(), what, ": expected names that are not empty");
    const std::string entry = name + ".npy";
    require(zip_name_locate(archive.get(), entry.c_str(), 0) < 0, what, ": expected names that differ, got \"", name,
            "\" twice");
    zip_buffer_fragment_t pieces[2]{};
    std::visit(
        [&](const auto* t) {
          using T = typename std::remove_cvref_t<decltype(*t)>::Scalar;
          starts[i] = internal::npy_start<T>(t->shape());
          pieces[1] = {reinterpret_cast<zip_uint8_t*>(const_cast<T*>(t->data())),
                       static_cast<zip_uint64_t>(t->size()) * sizeof(T)};
        },
        tensor);
    pieces[0] = {reinterpret_cast<zip_uint8_t*>(starts[i].data()), starts[i].size()};
    internal::ZipSource source(zip_source_buffer_fragment_create(pieces, pieces[1].length > 0 ? 2 : 1, 0, error));
    if (!source) internal::fail_zip(what, error);
    const zip_int64_t index = zip_file_add(archive.get(), entry.c_str(), source.get(), ZIP_FL_ENC_UTF_8);
    require(index >= 0 || zip_error_code_zip(zip_get_error(archive.get())) != ZIP_ER_INVAL, what,
            ": expected a name in UTF-8 of at most 65531 bytes, got \"", name, "\"");
    check(index >= 0);
    source.release();  // the archive's now
    const auto at = static_cast<zip_uint64_t>(index);
    check(zip_set_file_compression(archive.get(), at, packing == NpzPacking::stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE,
                                   0) == 0);
    constexpr zip_uint16_t midnight = 0, first_of_january_1980 = 1 << 5 | 1;
    check(zip_file_set_dostime(archive.get(), at, midnight, first_of_january_1980, 0) == 0);
  }
  check(zip_close(archive.get()) == 0);
  archive.release();  // closed

  const auto check_made = [&](bool good) {
    if (!good) internal::fail_zip(what, zip_source_error(made.get()));
  };
  check_made(zip_source_open(made.get()) == 0);
  FileWriter file(path);
  std::vector<char> chunk(1 << 16);
  for (zip_int64_t got; (got = zip_source_read(made.get(), chunk.data(), chunk.size())) != 0;) {
    check_made(got > 0);
    file.write(chunk.data(), static_cast<std::size_t>(got));
  }
  file.commit();
}

/// Reads an .npz file, as np.savez and np.savez_compressed write it: the arrays by their names, without ".npy". Throws
/// Error for a file that is missing or damaged, for an entry that is encrypted, there twice or no .npy file, and for
/// sizes that the archive's bytes cannot hold, before memory is taken for them.
inline NpzArrays read_npz(const std::filesystem::path& path) {
  internal::require_file("npz file", path);
  internal::ZipError error;
  return internal::read_npz_from(zip_source_file_create(path.string().c_str(), 0, -1, error), error,
                                 std::filesystem::file_size(path), internal::concatenate("npz file ", path));
}

/// The same from bytes in memory. Errors begin with `what`.
inline NpzArrays parse_npz(std::string_view bytes, const std::string& what = "npz") {
  internal::ZipError error;
  return internal::read_npz_from(zip_source_buffer_create(bytes.data(), bytes.size(), 0, error), error, bytes.size(),
                                 what);
}

}  // namespace rival
