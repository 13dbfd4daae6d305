#pragma once
// read_image_folder(): any folder of pictures as a data set. Needs stb (rival::stb); include rival/image/webp.hpp and
// rival/image/exif.hpp for what those read.

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "rival/core/byte_source.hpp"
#include "rival/core/checksum.hpp"
#include "rival/core/parallel.hpp"
#include "rival/data/csv.hpp"
#include "rival/data/dataset.hpp"
#include "rival/data/folder.hpp"
#include "rival/image/read_image.hpp"

namespace rival {

/// How a folder's pictures become samples of one shape.
struct ImageFolderOptions {
  /// Pictures become squares of so many pixels; 0: they are of one size already, and stay so.
  Index size = 0;
  Fit fit = Fit::crop;  ///< how pictures that are no squares become some, if `size` is not 0
  /// 1: grey; 3: colour; 0: grey if all pictures are.
  Index channels = 0;
  Rgb background = white;  ///< what lies behind pictures that can be seen through, and around padded ones
  /// The column of labels.csv that holds the classes, by its name; empty: the second.
  std::string label_column = {};
};

/// A folder's pictures, and what was made of it.
struct ImageFolder {
  using Skipped = SkippedFile;  ///< the type of an entry of `skipped`

  Dataset data;                              ///< {size, size, channels}, bytes; classes if the folder has any
  std::vector<std::filesystem::path> files;  ///< of each sample, within the folder
  std::vector<std::string> class_names;      ///< of class 0, 1, ...; empty: the pictures have no classes
  std::string classes_from;                  ///< "sub-folders" or "labels.csv"; empty likewise
  std::vector<Skipped> skipped;              ///< broken pictures and those that labels.csv does not name
  Index others = 0;                          ///< files whose names are not those of pictures
  Index copies = 0;                          ///< pictures whose files are the same, byte for byte, as an earlier one's
  Index see_through = 0;                     ///< pictures that lie over the background
  Index turned = 0;                          ///< pictures that a camera's note turned upright
  std::array<Index, 4> extents{};            ///< least and greatest height, least and greatest width, as they came

  /// All of it in a few lines, for a user to look over.
  std::string describe() const;
};

namespace internal {

inline constexpr std::array<std::string_view, 7> picture_endings{".png", ".jpg",  ".jpeg", ".bmp",
                                                                 ".gif", ".webp", ".jfif"};

inline bool is_called_picture(const std::filesystem::path& path) { return ends_in(path, picture_endings); }

inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  return files_below(folder, is_called_picture);
}

/// The class that labels.csv gives each file, by the file's path within the folder.
inline std::map<std::string, std::string> read_labels_csv(const std::filesystem::path& path,
                                                          const std::string& column) {
  const std::string what = concatenate("labels file ", path);
  const auto rows = parse_csv(read_whole("labels file", path), what);
  require(!rows.empty() && rows[0].size() >= 2, what,
          ": expected a first line that names two columns at least: the pictures' files, then what they show");
  std::size_t at = 1;
  if (!column.empty()) {
    at = static_cast<std::size_t>(std::find(rows[0].begin() + 1, rows[0].end(), column) - rows[0].begin());
    std::string all;
    for (std::size_t i = 1; i < rows[0].size(); ++i) all += (i > 1 ? ", " : "") + rows[0][i];
    require(at < rows[0].size(), what, ": expected one of the columns ", all, ", got ", column);
  }
  std::map<std::string, std::string> labels;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    require(rows[i].size() == rows[0].size(), what, ": expected ", rows[0].size(), " fields in row ", i + 1, ", got ",
            rows[i].size());
    const std::string file = std::filesystem::path(rows[i][0]).lexically_normal().generic_string();
    require(labels.emplace(file, rows[i][at]).second, what, ": it names ", file, " twice");
  }
  return labels;
}

/// What one file gave.
struct FolderPicture {
  Image image;  ///< as it goes into the data set, but for its channels
  Index height = 0, width = 0;
  std::uint64_t checksum = 0;
  bool see_through = false, turned = false;
  std::string why;  ///< there is none
};

inline bool is_grey(const Image& image) {
  if (image.channels == 1) return true;
  for (std::size_t i = 0; i < image.bytes.size(); i += 3)
    if (image.bytes[i] != image.bytes[i + 1] || image.bytes[i] != image.bytes[i + 2]) return false;
  return true;
}

inline FolderPicture read_folder_picture(const std::filesystem::path& path, const ImageFolderOptions& o) {
  FolderPicture read;
  const std::string what = concatenate("picture ", path);
  try {
    const std::string bytes = read_whole("picture", path);
    Checksum checksum;
    checksum.add(bytes);
    read.checksum = checksum.value();
    Image image = decode_pixels(bytes, what);
    read.see_through = flatten(image, o.background);
    const int orientation = orientation_of(bytes);
    read.turned = orientation > 1 && orientation <= 8;
    image = turned(std::move(image), orientation);
    read.height = image.height;
    read.width = image.width;
    read.image = o.size > 0 ? square(image, o.size, o.fit, o.background) : std::move(image);
  } catch (const Error& error) {
    std::string_view text = error.what();
    if (text.starts_with(what + ": ")) text.remove_prefix(what.size() + 2);  // as the file is named beside it
    read.why = text;
  }
  return read;
}

/// Writes the picture with so many channels.
inline void write_channels(const Image& image, Index channels, std::uint8_t* to) {
  const std::size_t pixels = static_cast<std::size_t>(image.height * image.width);
  const std::uint8_t* from = image.bytes.data();
  for (std::size_t i = 0; i < pixels; ++i)
    if (channels == image.channels)
      std::copy_n(from + i * static_cast<std::size_t>(channels), channels, to + i * static_cast<std::size_t>(channels));
    else if (channels == 3)
      std::fill_n(to + 3 * i, 3, from[i]);
    else  // the brightness of a colour (ITU-R BT.601, as JPEG has it)
      to[i] =
          static_cast<std::uint8_t>((299 * from[3 * i] + 587 * from[3 * i + 1] + 114 * from[3 * i + 2] + 500) / 1000);
}

}  // namespace internal

/// Reads every picture below a folder: PNG, JPEG, BMP, GIF (the first frame), and WebP, over a background where they
/// can be seen through. Sub-folders are classes, where all pictures lie in two or more of them; or labels.csv in the
/// folder says what each file shows: a line of column names, then a file and what it shows in each line. Neither: no
/// classes. Broken pictures are skipped and named; other files, and those whose names begin with a dot, are left alone.
/// The order is that of the paths' bytes. All cores decode. Throws Error when the folder cannot be read, when no
/// picture is left, and without `size` for pictures of several sizes.
inline ImageFolder read_image_folder(const std::filesystem::path& folder, const ImageFolderOptions& options = {}) {
  using namespace internal;
  namespace fs = std::filesystem;
  const std::string what = concatenate("folder ", folder);
  require(options.size >= 0 && options.size <= 16384, what, ": expected a size from 1 to 16384, got ", options.size);
  require(options.channels == 0 || options.channels == 1 || options.channels == 3, what,
          ": expected 1 or 3 channels, got ", options.channels);
  require(fs::exists(folder), what, ": no such folder");
  require(fs::is_directory(folder), what, ": expected a folder, got a file");

  ImageFolder all;
  const bool labelled = fs::exists(folder / "labels.csv");
  std::map<std::string, std::string> named;
  if (labelled) named = read_labels_csv(folder / "labels.csv", options.label_column);
  require(labelled || options.label_column.empty(), what, ": expected a labels.csv for the column ",
          options.label_column);

  std::vector<fs::path> files;
  for (const fs::path& file : files_below(folder)) {
    if (labelled && file == "labels.csv") continue;
    if (!is_called_picture(file)) {
      ++all.others;
      continue;
    }
    if (labelled && named.count(file.generic_string()) == 0)
      all.skipped.push_back({file, "labels.csv does not name it"});
    else
      files.push_back(file);
  }
  if (labelled)
    for (const auto& [file, label] : named)
      if (!std::binary_search(files.begin(), files.end(), fs::path(file), by_bytes))
        all.skipped.push_back({file, "labels.csv names it, and there is no such picture"});

  // A part at a time: as the pictures are decoded they are larger than in the data set.
  const Index count = static_cast<Index>(files.size());
  std::vector<std::uint8_t> bytes;
  std::vector<std::string> classes;
  std::set<std::pair<std::uint64_t, Index>> seen;
  Index height = 0, width = 0, channels = options.channels == 0 ? 1 : options.channels;
  constexpr Index together = 256;
  std::vector<FolderPicture> part;
  for (Index begin = 0; begin < count; begin += together) {
    const Index end = std::min(count, begin + together);
    part.assign(static_cast<std::size_t>(end - begin), {});
    parallel_for(end - begin, 1e9, [&](Index i) {
      part[static_cast<std::size_t>(i)] =
          read_folder_picture(folder / files[static_cast<std::size_t>(begin + i)], options);
    });
    for (Index i = 0; i < end - begin; ++i) {
      FolderPicture& read = part[static_cast<std::size_t>(i)];
      const fs::path& file = files[static_cast<std::size_t>(begin + i)];
      if (!read.why.empty()) {
        all.skipped.push_back({file, std::move(read.why)});
        continue;
      }
      const Image& image = read.image;
      auto& e = all.extents;
      if (all.files.empty()) {
        height = image.height, width = image.width;
        e = {read.height, read.height, read.width, read.width};
      }
      e = {std::min(e[0], read.height), std::max(e[1], read.height), std::min(e[2], read.width),
           std::max(e[3], read.width)};
      require(image.height == height && image.width == width, what, ": expected pictures of one size, or a `size` for ",
              "all, got ", height, "x", width, " and, in ", file, ", ", image.height, "x", image.width);
      const auto pixels = static_cast<std::size_t>(height * width);
      if (options.channels == 0 && channels == 1 && !is_grey(image)) {  // the first in colour
        std::vector<std::uint8_t> wide;
        wide.reserve(3 * pixels * static_cast<std::size_t>(count));
        for (const std::uint8_t byte : bytes) wide.insert(wide.end(), 3, byte);
        bytes = std::move(wide);
        channels = 3;
      }
      if (bytes.empty()) bytes.reserve(pixels * static_cast<std::size_t>(channels * count));
      bytes.resize(bytes.size() + pixels * static_cast<std::size_t>(channels));
      write_channels(image, channels, bytes.data() + bytes.size() - pixels * static_cast<std::size_t>(channels));
      all.copies += !seen.emplace(read.checksum, image.height * image.width).second;
      all.see_through += read.see_through;
      all.turned += read.turned;
      all.files.push_back(file);
    }
  }
  std::sort(all.skipped.begin(), all.skipped.end(),
            [](const auto& a, const auto& b) { return by_bytes(a.file, b.file); });
  if (all.files.empty()) {
    const std::string first =
        all.skipped.empty()
            ? ""
            : concatenate(", ", all.skipped.size(),
                          all.skipped.size() == 1 ? " is broken: " : " are broken: ", all.skipped[0].file, ": ",
                          all.skipped[0].why);
    fail(what, ": expected pictures (PNG, JPEG, BMP, GIF or WebP), found none", first);
  }

  // Classes: the first folder of each path, or what labels.csv says.
  if (labelled) {
    for (const fs::path& file : all.files) classes.push_back(named.at(file.generic_string()));
    if (std::set<std::string>(classes.begin(), classes.end()).size() < 2) classes.clear();
  } else {
    classes = first_folders(all.files);
  }
  std::vector<Label> labels;
  std::tie(all.class_names, labels) = number_classes(what, classes);
  if (!classes.empty()) all.classes_from = labelled ? "labels.csv" : "sub-folders";
  all.data = Dataset({height, width, channels}, std::move(bytes), std::move(labels),
                     static_cast<Index>(all.class_names.size()));
  return all;
}

inline std::string ImageFolder::describe() const {
  internal::TextStream text;
  const Shape& sample = data.sample_shape();
  text << data.size() << (data.size() == 1 ? " picture" : " pictures") << " of " << sample[0] << 'x' << sample[1]
       << (sample[2] == 1 ? ", grey" : ", in colour");
  if (extents[0] != sample[0] || extents[1] != sample[0] || extents[2] != sample[1] || extents[3] != sample[1]) {
    text << ", made from " << extents[0] << 'x' << extents[2];
    if (extents[0] != extents[1] || extents[2] != extents[3]) text << " to " << extents[1] << 'x' << extents[3];
  }
  text << '\n';
  internal::describe_classes(text, data, class_names, classes_from, files);
  const auto line = [&](Index count, const char* one, const char* more) {
    internal::describe_count(text, count, one, more);
  };
  line(see_through, "can be seen through, and lies over the background",
       "can be seen through, and lie over the background");
  line(turned, "was turned upright, as its camera noted", "were turned upright, as their cameras noted");
  line(copies, "is the same file as another", "are the same files as others");
  line(others, "other file was left alone", "other files were left alone");
  internal::describe_skipped(text, skipped);
  return text.str();
}

}  // namespace rival
