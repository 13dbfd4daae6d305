#pragma once
// read_image_folder() with a memory: the second time, a folder's pictures need no decoding. Needs stb and nlohmann-json
// (rival::stb, rival::json).

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/checksum.hpp"
#include "rival/core/file.hpp"
#include "rival/data/image_folder.hpp"
#include "rival/io/json.hpp"
#include "rival/io/npy.hpp"

namespace rival {

namespace internal {

/// A number by which a folder and what is asked of it are known again: names, sizes and times of its files, options.
inline std::uint64_t folder_fingerprint(const std::filesystem::path& folder, const ImageFolderOptions& o) {
  namespace fs = std::filesystem;
  Checksum sum;
  sum.add("rival pictures 1");
  sum.add(fs::weakly_canonical(folder).generic_string());
  for (const Index number : {o.size, static_cast<Index>(o.fit), o.channels, Index{o.background[0]},
                             Index{o.background[1]}, Index{o.background[2]}})
    sum.add(static_cast<std::uint64_t>(number));
  sum.add(o.label_column);
  // A program that reads more formats may find more pictures.
  sum.add(static_cast<std::uint64_t>(more_image_formats().size()));
  sum.add(std::uint64_t{orientation_reader() != nullptr});
  for (const fs::path& file : files_below(folder)) {
    std::error_code error;
    sum.add(file.generic_string());
    sum.add(static_cast<std::uint64_t>(fs::file_size(folder / file, error)));
    sum.add(static_cast<std::uint64_t>(fs::last_write_time(folder / file, error).time_since_epoch().count()));
  }
  return sum.value();
}

/// What is said of the pictures beside them, as JSON. Throws JsonError for names that are no UTF-8.
inline std::string image_folder_text(const ImageFolder& all) {
  Json::List files, skipped, labels;
  for (const auto& file : all.files) files.push_back(file.generic_string());
  for (const auto& [file, why] : all.skipped)
    skipped.push_back(Json().add("file", file.generic_string()).add("why", why));
  for (const Label label : all.data.labels()) labels.push_back(Index{label});
  return Json()
      .add("files", std::move(files))
      .add("labels", std::move(labels))
      .add("class_names", Json::list_of(all.class_names))
      .add("classes_from", all.classes_from)
      .add("skipped", std::move(skipped))
      .add("others", all.others)
      .add("copies", all.copies)
      .add("see_through", all.see_through)
      .add("turned", all.turned)
      .add("extents", Json::list_of(all.extents))
      .text();
}

/// The other way, with the pictures of `npy`, which stay in their file. Throws Error for files that are not
/// whole.
inline ImageFolder read_cached_folder(const std::filesystem::path& npy, const std::filesystem::path& text) {
  const Json json = Json::parse(read_whole("cache", text));
  ImageFolder all;
  for (const Json& file : json.at("files").list()) all.files.emplace_back(file.string());
  for (const Json& name : json.at("class_names").list()) all.class_names.push_back(name.string());
  for (const Json& one : json.at("skipped").list())
    all.skipped.push_back({one.at("file").string(), one.at("why").string()});
  std::vector<Label> labels;
  for (const Json& label : json.at("labels").list()) labels.push_back(label.whole<Label>());
  all.classes_from = json.at("classes_from").string();
  all.others = json.at("others").whole<Index>();
  all.copies = json.at("copies").whole<Index>();
  all.see_through = json.at("see_through").whole<Index>();
  all.turned = json.at("turned").whole<Index>();
  for (std::size_t i = 0; i < all.extents.size(); ++i) all.extents[i] = json.at("extents").at(i).whole<Index>();

  FileSource file("cache", npy);
  std::uint64_t begin = 0;
  const NpyHeader header = read_npy_header(file, file.what(), begin);
  const Index count = static_cast<Index>(all.files.size());
  require(header.type == "u1" && !header.fortran_order && header.shape.rank() == 4 && header.shape[0] == count,
          file.what(), ": expected ", count, " pictures of bytes");
  all.data = Dataset::mapped<std::uint8_t>(npy, static_cast<std::size_t>(begin), header.shape.sample(), count,
                                           std::move(labels), static_cast<Index>(all.class_names.size()));
  return all;
}

inline void write_cached_folder(const ImageFolder& all, const std::filesystem::path& npy,
                                const std::filesystem::path& text) {
  const std::string description = image_folder_text(all);
  FileWriter file(npy);
  file.write(npy_start<std::uint8_t>(all.data.sample_shape().batch(all.data.size())));
  for (Index i = 0; i < all.data.size(); ++i) {
    const auto values = all.data.values(i);
    file.write(values.data(), values.size());
  }
  file.commit();
  replace_file(text, description);
}

}  // namespace internal

/// The same as read_image_folder(folder, options), kept in the folder `cache`, which is made if it is not there: the
/// pictures as one .npy file (N x height x width x channels), what is said of them as .json beside it. The next call
/// takes them from there, and leaves them on the disk until a batch asks for them, as long as no file of the folder has
/// got another name, size or time and the options are the same. Where nothing can be kept, nothing is.
inline ImageFolder read_image_folder(const std::filesystem::path& folder, const ImageFolderOptions& options,
                                     const std::filesystem::path& cache) {
  namespace fs = std::filesystem;
  require(fs::is_directory(folder), "folder ", folder, ": no such folder");
  char name[32];
  std::snprintf(name, sizeof name, "pictures-%016llx",
                static_cast<unsigned long long>(internal::folder_fingerprint(folder, options)));
  const fs::path npy = cache / (std::string(name) + ".npy"), text = cache / (std::string(name) + ".json");
  if (fs::exists(npy) && fs::exists(text)) try {
      return internal::read_cached_folder(npy, text);
    } catch (const Error&) {
    }
  ImageFolder all = read_image_folder(folder, options);
  try {
    std::error_code ignored;
    fs::create_directories(cache, ignored);
    internal::write_cached_folder(all, npy, text);
    return internal::read_cached_folder(npy, text);  // so that the first time is as the second, fingerprint and all
  } catch (const Error&) {
  }
  return all;
}

}  // namespace rival
